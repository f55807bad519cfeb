// Lines that somebody types at a terminal, with editing, history and completion where the library
// for that, libedit, is installed; plain lines elsewhere.
#ifndef KITH_APPS_CLI_LINE_EDITOR_H_
#define KITH_APPS_CLI_LINE_EDITOR_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kith::apps::cli {

class LineEditor {
 public:
  // What a word that is begun may become.
  using Complete = std::function<std::vector<std::string>(std::string_view begun)>;

  // `history_path` is where lines are kept from one time to the next; "" keeps none.
  static std::unique_ptr<LineEditor> Create(std::string prompt, Complete complete,
                                            std::string history_path);
  virtual ~LineEditor() = default;
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // The next line, without its end; nothing once there is none.
  virtual std::optional<std::string> Read() = 0;
  // What to tell people of it: "Tab completes words, ...".
  virtual std::string Describe() const = 0;

 protected:
  LineEditor() = default;
};

// Where the state of a program of this user is kept: `name` in $XDG_STATE_HOME/kith or
// ~/.local/state/kith, whose folder is made. "" if there is no such place.
std::string StatePath(const std::string& name);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_LINE_EDITOR_H_
