#include "child.h"

#include <spawn.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "common/text.h"

extern char** environ;

namespace kith::apps::cli {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
// Without a name: gone when closed, whatever happens. Files where pipes would do spare us the
// juggling that keeps two full pipes from waiting for each other.
using Scratch = std::unique_ptr<std::FILE, CloseFile>;

Result<Scratch> MakeScratch(std::string_view content) {
  Scratch file(std::tmpfile());
  if (file == nullptr ||
      std::fwrite(content.data(), 1, content.size(), file.get()) != content.size() ||
      std::fflush(file.get()) != 0) {
    return Status::IoError(StrCat("cannot write a temporary file: ", std::strerror(errno),
                                  "; free some space in the directory for temporary files"));
  }
  std::rewind(file.get());
  return file;
}

std::string ReadAll(std::FILE* file) {
  std::string content;
  char buffer[1 << 14];
  std::rewind(file);
  while (const size_t n = std::fread(buffer, 1, sizeof(buffer), file)) content.append(buffer, n);
  return content;
}

// The last line that is not blank, without blanks around it.
std::string LastLine(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t last = text.find_last_not_of(kBlank);
  if (last == std::string_view::npos) return "";
  text = text.substr(0, last + 1);
  const size_t line_break = text.rfind('\n');
  if (line_break != std::string_view::npos) text.remove_prefix(line_break + 1);
  return std::string(text.substr(text.find_first_not_of(kBlank)));
}

// 0 or an errno.
int Spawn(const std::string& path, const std::vector<std::string>& args, const int (&streams)[3],
          pid_t* pid) {
  std::vector<std::string> words{path};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  if (const int error = posix_spawn_file_actions_init(&actions); error != 0) return error;
  int error = 0;
  for (int target = 0; target < 3 && error == 0; ++target) {
    error = posix_spawn_file_actions_adddup2(&actions, streams[target], target);
  }
  if (error == 0) error = posix_spawn(pid, path.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

std::string FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(':'), rest.size());
    // An empty entry would mean the working directory, from which nobody wants to run a program.
    if (end > 0) {
      std::string candidate = StrCat(rest.substr(0, end), "/", name);
      struct stat info = {};
      if (stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
          access(candidate.c_str(), X_OK) == 0) {
        return candidate;
      }
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return "";
}

Result<std::string> RunProgram(const std::string& path, const std::vector<std::string>& args,
                               const std::string& input) {
  KITH_ASSIGN_OR_RETURN(const Scratch in, MakeScratch(input));
  KITH_ASSIGN_OR_RETURN(const Scratch out, MakeScratch(""));
  KITH_ASSIGN_OR_RETURN(const Scratch err, MakeScratch(""));
  pid_t pid = -1;
  const int streams[] = {fileno(in.get()), fileno(out.get()), fileno(err.get())};
  if (const int error = Spawn(path, args, streams, &pid); error != 0) {
    return Status::IoError(StrCat("cannot run ", path, ": ", std::strerror(error)));
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return Status::IoError(StrCat("lost sight of ", path));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ReadAll(out.get());
  const std::string reason = LastLine(ReadAll(err.get()));
  return Status::IoError(StrCat(path, " failed: ",
                                !reason.empty() ? reason
                                : WIFSIGNALED(status)
                                    ? StrCat("stopped by signal ", WTERMSIG(status))
                                    : StrCat("exit code ", WEXITSTATUS(status))));
}

}  // namespace kith::apps::cli
