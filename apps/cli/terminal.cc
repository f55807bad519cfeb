#include "terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

#include "common/files.h"
#include "common/text.h"

namespace kith::apps::cli {
namespace {

constexpr char kEraseLine[] = "\r\033[K";

extern "C" void OnStopSignal(int signal_number) {
  RemoveTemporaryFilesOnSignal();
  _exit(128 + signal_number);
}

extern "C" void OnBusError(int) {
  RemoveTemporaryFilesOnSignal();
  static constexpr char kMessage[] =
      "kith: a file became shorter or unreadable while it was read; check the disk and what "
      "else writes the file\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
  _exit(1);
}

void Handle(int signal_number, void (*handler)(int)) {
  struct sigaction old = {};
  // A signal ignored from the start (nohup) stays so.
  if (sigaction(signal_number, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = handler;
  sigfillset(&action.sa_mask);
  sigaction(signal_number, &action, nullptr);
}

double Seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

// Characters, taking each code point for one: bytes that do not continue another.
size_t Width(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// Columns of the terminal on stderr.
size_t TerminalWidth() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

void PrintError(std::string_view message) {
  std::string line = StrCat("kith: ", message);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::cerr << Printable(line) << '\n' << std::flush;
}

void PrintWarning(std::string_view message) { PrintError(StrCat("warning: ", message)); }

void InstallSignalHandlers() {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) Handle(signal_number, OnStopSignal);
  Handle(SIGBUS, OnBusError);
}

ProgressBar::ProgressBar() : enabled_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() { Clear(); }

void ProgressBar::Clear() {
  const std::lock_guard lock(mutex_);
  if (drawn_) std::cerr << kEraseLine << std::flush;
  drawn_ = false;
}

Progress ProgressBar::callback() {
  if (!enabled_) return {};
  return [this](std::string_view stage, uint64_t done, uint64_t total) {
    Report(stage, done, total);
    return true;
  };
}

void ProgressBar::Report(std::string_view stage, uint64_t done, uint64_t total) {
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = Clock::now();
  if (stage != stage_) {
    stage_ = stage;
    stage_start_ = now;
  } else if (drawn_ && Seconds(now - last_drawn_) < 0.1) {
    return;
  }
  if (Seconds(now - created_) < 0.5) return;
  std::string line = stage_;
  if (total > 0) {
    constexpr int kBarWidth = 24;
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    const auto filled = static_cast<size_t>(share * kBarWidth);
    line += StrCat("  [", std::string(filled, '#'), std::string(kBarWidth - filled, '.'), "] ",
                   FormatFixed(100 * share, 0), " %");
    const double elapsed = Seconds(now - stage_start_);
    if (share > 0.02 && share < 1 && elapsed > 1) {
      line += StrCat(", ", FormatFixed(std::ceil(elapsed * (1 - share) / share), 0), " s left");
    }
  }
  // A line that wraps could not be erased.
  if (const size_t width = TerminalWidth(); line.size() >= width) line.resize(width - 1);
  std::cerr << kEraseLine << line << std::flush;
  drawn_ = true;
  last_drawn_ = now;
}

void Table::AddColumn(std::string name, Align align) {
  names_.push_back(std::move(name));
  aligns_.push_back(align);
}

void Table::AddRow(std::vector<std::string> cells) { rows_.push_back({std::move(cells)}); }

void Table::AddHeading(std::string text) { rows_.push_back({{std::move(text)}, true}); }

void Table::Print(std::ostream& out, std::string_view indent, bool header) const {
  std::vector<size_t> widths(names_.size(), 0);
  for (size_t i = 0; i < names_.size(); ++i) {
    if (header) widths[i] = Width(names_[i]);
    for (const Row& row : rows_) {
      if (!row.heading) widths[i] = std::max(widths[i], Width(row.cells[i]));
    }
  }
  if (header) PrintRow(out, indent, names_, widths);
  for (const Row& row : rows_) {
    if (row.heading) {
      out << row.cells[0] << '\n';
    } else {
      PrintRow(out, indent, row.cells, widths);
    }
  }
}

void Table::PrintRow(std::ostream& out, std::string_view indent,
                     const std::vector<std::string>& cells,
                     const std::vector<size_t>& widths) const {
  std::string line(indent);
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += "  ";
    const std::string padding(widths[i] - Width(cells[i]), ' ');
    line += aligns_[i] == Align::kLeft ? cells[i] + padding : padding + cells[i];
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

}  // namespace kith::apps::cli
