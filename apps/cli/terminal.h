// What people see: error lines, progress and tables.
#ifndef KITH_APPS_CLI_TERMINAL_H_
#define KITH_APPS_CLI_TERMINAL_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "kith/types.h"

namespace kith::apps::cli {

// "kith: message" on stderr, in one line.
void PrintError(std::string_view message);
// "kith: warning: message", likewise: all is done, but not as it may seem.
void PrintWarning(std::string_view message);

// From here on SIGINT, SIGTERM and SIGHUP remove half-written files and exit with 128 + the
// signal's number; a mapped file that shrinks while it is read ends in an error line and exit
// code 1.
void InstallSignalHandlers();

// One line on stderr with stage, share done and time left, redrawn in place, for work that takes
// longer than half a second. Nothing when stderr is not a terminal. Erased when destroyed.
class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // For the options of the library; the bar must outlive its use. Thread-safe.
  Progress callback();
  // Erases the line until the next report, so that something else can be printed.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;
  void Report(std::string_view stage, uint64_t done, uint64_t total);

  const bool enabled_;
  std::mutex mutex_;
  bool drawn_ = false;
  std::string stage_;
  Clock::time_point created_ = Clock::now();
  Clock::time_point stage_start_;
  Clock::time_point last_drawn_;
};

// Columns aligned by the number of characters (not bytes); numbers to the right.
class Table {
 public:
  enum class Align { kLeft, kRight };
  void AddColumn(std::string name, Align align);
  void AddRow(std::vector<std::string> cells);  // one for each column
  size_t num_columns() const { return names_.size(); }
  // A line across all columns, without the indent, over the rows that follow.
  void AddHeading(std::string text);
  // `header` prints the names of the columns first.
  void Print(std::ostream& out, std::string_view indent, bool header = true) const;

 private:
  void PrintRow(std::ostream& out, std::string_view indent, const std::vector<std::string>& cells,
                const std::vector<size_t>& widths) const;
  std::vector<std::string> names_;
  std::vector<Align> aligns_;
  struct Row {
    std::vector<std::string> cells;
    bool heading = false;  // its only cell spans all columns
  };
  std::vector<Row> rows_;
};

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_TERMINAL_H_
