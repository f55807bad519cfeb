// OpenWords: the .kith file that is made of a file of words, kept beside it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/edge.h"
#include "base/file_attribute.h"
#include "base/file_names.h"
#include "base/strings.h"
#include "kith/dataset.h"
#include "kith/words.h"
#include "learn/words.h"

namespace kith::learn {
namespace {

// What a file of words was when it was read: "SIZE SECONDS.NANOSECONDS".
constexpr char kSourceAttribute[] = "user.kith.words_source";

std::optional<struct stat> Look(const std::string& path) {
  struct stat info {};
  if (RetryInterrupted([&] { return stat(path.c_str(), &info); }) != 0) return std::nullopt;
  return info;
}

std::string Describe(const struct stat& source) {
  return StrCat(source.st_size, ' ', source.st_mtim.tv_sec, '.', source.st_mtim.tv_nsec);
}

bool IsLater(const struct stat& a, const struct stat& b) {
  return std::pair(a.st_mtim.tv_sec, a.st_mtim.tv_nsec) >
         std::pair(b.st_mtim.tv_sec, b.st_mtim.tv_nsec);
}

// Where the index of a file goes whose folder can't be written, "" if the user has no such place:
// named by the file and a number drawn of its place, for there may be others of its name.
std::string CachePath(const std::string& path) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  std::string folder = cache != nullptr && cache[0] == '/' ? cache : "";
  if (folder.empty()) {
    const char* home = std::getenv("HOME");
    if (home == nullptr || home[0] != '/') return {};
    folder = StrCat(home, "/.cache");
  }
  uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : AbsolutePath(path)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
  return StrCat(folder, "/kith/words/", NameOf(path), "-", digits.data(), ".kith");
}

// What is at the place of the .kith file.
enum class State { kAbsent, kFresh, kStale };

Result<State> StateOf(const std::string& index_path, const struct stat& source) {
  const std::optional<struct stat> there = Look(index_path);
  if (!there) return State::kAbsent;
  if (!IsKithFile(index_path)) {
    return Status::InvalidArgument(StrCat(
        index_path, " is no .kith file but has the name of the one to be made; move it away, or ",
        "give another name"));
  }
  const std::string note = GetFileAttribute(index_path, kSourceAttribute);
  if (!note.empty()) return note == Describe(source) ? State::kFresh : State::kStale;
  if (!IsLater(source, *there)) return State::kFresh;
  return Status::InvalidArgument(
      StrCat(index_path, " is older than the file of words, and does not say that it was made of ",
             "it; remove it to have it made anew, or give another name"));
}

// Best effort, as all such notes.
void NoteSource(const std::string& index_path, const struct stat& source) {
  const int fd = open(index_path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  SetFileAttribute(fd, kSourceAttribute, Describe(source));
  close(fd);
}

Status Build(const std::string& path, const std::string& index_path,
             const OpenWordsOptions& options) {
  const Progress progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
    return !options.stop.stop_requested() &&
           (!options.progress || options.progress(stage, done, total));
  };
  KITH_ASSIGN_OR_RETURN(const Dataset dataset, ReadDataset(path, {.progress = progress}));
  if (dataset.keys.empty()) {
    return Status::InvalidArgument(
        StrCat(path, " has vectors (", dataset.format, ") but no words; give a file that names ",
               "them: word2vec, GloVe, fastText, csv with a column of names, or .kith"));
  }
  BuildOptions build;  // by default for cosines, the metric angular
  build.keys = &dataset.keys;
  build.memory = options.memory;
  build.threads = options.threads;
  build.progress = options.progress;
  build.stop = options.stop;
  return BuildIndex(dataset.vectors, index_path, build);
}

// `made`: whether it is a file that can be made again.
Result<OpenedWords> OpenIt(std::string index_path, bool built, bool made = true) {
  OpenedWords words;
  Result<std::unique_ptr<Index>> index = OpenIndex(index_path);
  if (!index.ok() && made && index.status().code() == StatusCode::kCorruption) {
    return Status::Corruption(StrCat(index.status().message(), "; remove it, and it is made anew"));
  }
  KITH_ASSIGN_OR_RETURN(words.index, std::move(index));
  KITH_RETURN_IF_ERROR(CheckWords(*words.index));
  words.index_path = std::move(index_path);
  words.built = built;
  return words;
}

// The subwords of the file that a .kith file was made of, if it has any and is still beside it as
// it was read: nobody asked for them.
std::shared_ptr<const Subwords> SubwordsBeside(const std::string& index_path) {
  constexpr std::string_view kAdded = ".kith";
  if (!index_path.ends_with(kAdded)) return nullptr;
  const std::string path = index_path.substr(0, index_path.size() - kAdded.size());
  const std::optional<struct stat> source = Look(path);
  if (!source || GetFileAttribute(index_path, kSourceAttribute) != Describe(*source))
    return nullptr;
  Result<std::shared_ptr<const Subwords>> subwords = OpenSubwords(path);
  return subwords.ok() ? *std::move(subwords) : nullptr;
}

Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(DirectoryOf(path), error);
  if (!error) return Status::Ok();
  return Status::IoError(StrCat("cannot make the folder ", DirectoryOf(path), " for ", path, " (",
                                error.message(), "); name a file that can be written"));
}

Result<OpenedWords> Open(const std::string& path, const OpenWordsOptions& options) {
  if (IsKithFile(path)) {
    if (options.index_path.empty()) {
      KITH_ASSIGN_OR_RETURN(OpenedWords words, OpenIt(path, false, false));
      words.subwords = SubwordsBeside(path);
      return words;
    }
    return Status::InvalidArgument(
        StrCat(path, " is a .kith file already; give no other name for one"));
  }
  const std::optional<struct stat> source = Look(path);
  if (!source) {
    if (errno == ENOENT && options.index_path.empty() && IsKithFile(path + ".kith")) {
      return Status::NotFound(StrCat(path, ": no such file, but ", path,
                                     ".kith is there; ask that ",
                                     "one, which has its words but no subwords"));
    }
    // Says why, in the words of all readers.
    KITH_RETURN_IF_ERROR(ReadDataset(path, {.max_rows = 1}).status());
    return Status::IoError(StrCat(path, ": ", ErrorText(errno)));
  }
  std::string index_path = options.index_path;
  if (index_path.empty()) {
    index_path = path + ".kith";
    const bool writable = faccessat(AT_FDCWD, DirectoryOf(path).c_str(), W_OK, AT_EACCESS) == 0;
    const std::string cached = writable ? "" : CachePath(path);
    // One that somebody who could write made there is as good.
    const Result<State> beside = StateOf(index_path, *source);
    const bool fresh = beside.ok() && *beside == State::kFresh;
    if (!cached.empty() && !fresh) index_path = cached;
  }
  KITH_ASSIGN_OR_RETURN(const State state, StateOf(index_path, *source));
  const bool build = state != State::kFresh;
  if (build) {
    if (options.index_path.empty()) KITH_RETURN_IF_ERROR(MakeFolder(index_path));
    KITH_RETURN_IF_ERROR(Build(path, index_path, options));
    NoteSource(index_path, *source);
  }
  KITH_ASSIGN_OR_RETURN(OpenedWords words, OpenIt(std::move(index_path), build));
  KITH_ASSIGN_OR_RETURN(words.subwords, OpenSubwords(path));
  return words;
}

}  // namespace
}  // namespace kith::learn

namespace kith {

Result<OpenedWords> OpenWords(const std::string& path, const OpenWordsOptions& options) {
  return AtEdge(path, "build with less memory, or without other programs beside it",
                [&] { return learn::Open(path, options); });
}

}  // namespace kith
