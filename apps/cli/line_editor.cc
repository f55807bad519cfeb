#include "line_editor.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <utility>

#include "edit_library.h"

namespace kith::apps::cli {
namespace {

class PlainLines final : public LineEditor {
 public:
  explicit PlainLines(std::string prompt) : prompt_(std::move(prompt)) {}

  std::optional<std::string> Read() override {
    std::cout << prompt_ << std::flush;
    std::string line;
    if (std::getline(std::cin, line)) return line;
    std::cout << '\n';
    return std::nullopt;
  }
  std::string Describe() const override {
    return "Ctrl-D ends. (Lines cannot be edited: install libedit, on Debian libedit2.)";
  }

 private:
  std::string prompt_;
};

}  // namespace

std::unique_ptr<LineEditor> LineEditor::Create(std::string prompt, Complete complete,
                                               std::string history_path) {
  if (auto edited = CreateEditedLines(prompt, std::move(complete), std::move(history_path))) {
    return edited;
  }
  return std::make_unique<PlainLines>(std::move(prompt));
}

std::string StatePath(const std::string& name) {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (state != nullptr && state[0] == '/') {
    folder = state;
  } else if (home != nullptr && home[0] == '/') {
    folder = std::filesystem::path(home) / ".local" / "state";
  } else {
    return {};
  }
  folder /= "kith";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return error ? std::string() : (folder / name).string();
}

}  // namespace kith::apps::cli
