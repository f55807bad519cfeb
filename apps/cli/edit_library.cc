#include "edit_library.h"

#ifdef KITH_HAVE_EDIT

#include <dlfcn.h>
#include <histedit.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <iostream>
#include <string_view>
#include <utility>
#include <vector>

#include "common/text.h"

namespace kith::apps::cli {
namespace {

// What is used of it.
struct Library {
  decltype(&::el_init) init = nullptr;
  decltype(&::el_end) end = nullptr;
  decltype(&::el_set) set = nullptr;
  decltype(&::el_get) get = nullptr;
  decltype(&::el_gets) gets = nullptr;
  decltype(&::el_line) line = nullptr;
  decltype(&::el_insertstr) insert = nullptr;
  decltype(&::el_deletestr) erase = nullptr;
  decltype(&::history_init) history_init = nullptr;
  decltype(&::history_end) history_end = nullptr;
  decltype(&::history) history = nullptr;
};

template <class T>
bool Find(void* handle, const char* name, T* out) {
  *out = reinterpret_cast<T>(dlsym(handle, name));
  return *out != nullptr;
}

std::optional<Library> Load() {
  void* handle = dlopen(KITH_EDIT_SONAME, RTLD_NOW | RTLD_LOCAL);  // never unloaded
  Library edit;
  if (handle == nullptr || !Find(handle, "el_init", &edit.init) ||
      !Find(handle, "el_end", &edit.end) || !Find(handle, "el_set", &edit.set) ||
      !Find(handle, "el_get", &edit.get) || !Find(handle, "el_gets", &edit.gets) ||
      !Find(handle, "el_line", &edit.line) || !Find(handle, "el_insertstr", &edit.insert) ||
      !Find(handle, "el_deletestr", &edit.erase) ||
      !Find(handle, "history_init", &edit.history_init) ||
      !Find(handle, "history_end", &edit.history_end) || !Find(handle, "history", &edit.history)) {
    return std::nullopt;
  }
  return edit;
}

// Characters of UTF-8, which is how libedit counts.
int Characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// What all texts begin with. REQUIRES: at least one.
std::string CommonPrefix(const std::vector<std::string>& texts) {
  std::string_view prefix = texts[0];
  for (const std::string& text : texts) {
    const auto [end, other] = std::mismatch(prefix.begin(), prefix.end(), text.begin(), text.end());
    prefix = prefix.substr(0, static_cast<size_t>(end - prefix.begin()));
  }
  // Not the first half of a character.
  while (!prefix.empty() && Utf8Length(prefix.substr(prefix.size() - 1)) == 0) {
    size_t begin = prefix.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(prefix[begin]) & 0xC0) == 0x80) --begin;
    if (Utf8Length(prefix.substr(begin)) == prefix.size() - begin) break;
    prefix = prefix.substr(0, begin);
  }
  return std::string(prefix);
}

class EditedLines final : public LineEditor {
 public:
  EditedLines(const Library& library, std::string prompt, Complete complete,
              std::string history_path)
      : library_(library),
        prompt_(std::move(prompt)),
        complete_(std::move(complete)),
        history_path_(std::move(history_path)) {}

  ~EditedLines() override {
    if (editor_ != nullptr) library_.end(editor_);
    if (history_ != nullptr) library_.history_end(history_);
  }

  bool Start() {
    // How wide characters are; numbers stay as they are.
    std::setlocale(LC_CTYPE, "");
    editor_ = library_.init("kith", stdin, stdout, stderr);
    history_ = library_.history_init();
    if (editor_ == nullptr || history_ == nullptr) return false;
    constexpr int kLinesKept = 1000;
    HistEvent event;
    library_.history(history_, &event, H_SETSIZE, kLinesKept);
    library_.history(history_, &event, H_SETUNIQUE, 1);
    if (!history_path_.empty()) {
      library_.history(history_, &event, H_LOAD, history_path_.c_str());
    }
    library_.set(editor_, EL_CLIENTDATA, this);
    library_.set(editor_, EL_PROMPT, &EditedLines::Prompt);
    library_.set(editor_, EL_EDITOR, "emacs");
    library_.set(editor_, EL_SIGNAL, 1);
    library_.set(editor_, EL_HIST, library_.history, history_);
    library_.set(editor_, EL_ADDFN, "kith-complete", "complete a word", &EditedLines::Tab);
    library_.set(editor_, EL_BIND, "^I", "kith-complete", nullptr);
    // As in other shells, which libedit does not do by itself.
    library_.set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    library_.set(editor_, EL_BIND, "^W", "ed-delete-prev-word", nullptr);
    return true;
  }

  std::optional<std::string> Read() override {
    std::cout << std::flush;
    int count = 0;
    const char* const text = library_.gets(editor_, &count);
    if (text == nullptr || count <= 0) {
      std::cout << '\n';
      return std::nullopt;
    }
    std::string line(text, static_cast<size_t>(count));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    if (line.find_first_not_of(" \t") != std::string::npos) {
      HistEvent event;
      library_.history(history_, &event, H_ENTER, line.c_str());
      // Now, for a signal may end the program.
      if (!history_path_.empty()) {
        library_.history(history_, &event, H_SAVE, history_path_.c_str());
      }
    }
    return line;
  }

  std::string Describe() const override {
    return "Tab completes a word, arrows edit and go back, Ctrl-R looks back, Ctrl-D ends.";
  }

 private:
  static EditedLines* Self(EditLine* editor, decltype(Library::get) get) {
    void* self = nullptr;
    get(editor, EL_CLIENTDATA, &self);
    return static_cast<EditedLines*>(self);
  }
  static decltype(Library::get) get_;  // for callbacks, which are told nothing but the editor

  static char* Prompt(EditLine* editor) { return Self(editor, get_)->prompt_.data(); }
  static unsigned char Tab(EditLine* editor, int) { return Self(editor, get_)->OnTab(); }

  unsigned char OnTab();
  static void List(const std::vector<std::string>& words);

  friend std::unique_ptr<LineEditor> cli::CreateEditedLines(const std::string&, Complete,
                                                            std::string);

  const Library library_;
  std::string prompt_;
  Complete complete_;
  std::string history_path_;
  EditLine* editor_ = nullptr;
  History* history_ = nullptr;
};

decltype(Library::get) EditedLines::get_ = nullptr;

unsigned char EditedLines::OnTab() {
  const LineInfo* const info = library_.line(editor_);
  const std::string_view before(info->buffer, static_cast<size_t>(info->cursor - info->buffer));
  std::string begun(before.substr(before.find_last_of(" \t") + 1));
  // A sign or a weight is no part of the word.
  begun.erase(0, begun.find_last_of('*') + 1);
  if (!begun.empty() && (begun[0] == '+' || begun[0] == '-')) begun.erase(0, 1);
  if (begun.empty()) return CC_REFRESH_BEEP;
  const std::vector<std::string> words = complete_(begun);
  if (words.empty()) return CC_REFRESH_BEEP;
  const std::string common = CommonPrefix(words);
  const bool longer = common.size() > begun.size() || (words.size() == 1 && common != begun);
  if (longer || words.size() == 1) {
    library_.erase(editor_, Characters(begun));
    library_.insert(editor_, (common + (words.size() == 1 ? " " : "")).c_str());
    return CC_REFRESH;
  }
  List(words);
  return CC_REDISPLAY;
}

// In columns, as many as the terminal has room for.
void EditedLines::List(const std::vector<std::string>& words) {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  const int width = known ? size.ws_col : 80;
  int column = 1;
  for (const std::string& word : words) column = std::max(column, Characters(word) + 2);
  const int columns = std::max(1, width / column);
  std::string text = "\n";
  for (size_t i = 0; i < words.size(); ++i) {
    const bool last = (i + 1) % static_cast<size_t>(columns) == 0 || i + 1 == words.size();
    text += words[i];
    text += last ? "\n" : std::string(static_cast<size_t>(column - Characters(words[i])), ' ');
  }
  std::cout << text << std::flush;
}

}  // namespace

std::unique_ptr<LineEditor> CreateEditedLines(const std::string& prompt,
                                              LineEditor::Complete complete,
                                              std::string history_path) {
  const std::optional<Library> library = Load();
  if (!library) return nullptr;
  EditedLines::get_ = library->get;
  auto lines =
      std::make_unique<EditedLines>(*library, prompt, std::move(complete), std::move(history_path));
  if (!lines->Start()) return nullptr;
  return lines;
}

}  // namespace kith::apps::cli

#else

namespace kith::apps::cli {

std::unique_ptr<LineEditor> CreateEditedLines(const std::string&, LineEditor::Complete,
                                              std::string) {
  return nullptr;
}

}  // namespace kith::apps::cli

#endif  // KITH_HAVE_EDIT
