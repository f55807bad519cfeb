#include "cli/harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/rng.h"
#include "base/strings.h"

namespace kith::cli_test {
namespace {

std::string TemporaryName() {
  std::string name = ::testing::TempDir() + "/kith_cli_XXXXXX";
  const int fd = mkstemp(name.data());
  if (fd >= 0) close(fd);
  return name;
}

void Redirect(const std::string& path, int flags, int target) {
  const int fd = open(path.c_str(), flags, 0600);
  if (fd < 0 || dup2(fd, target) < 0) _exit(126);
  close(fd);
}

void Limit(int resource, uint64_t most) {
  if (most == 0) return;
  const rlimit limit{most, most};
  if (setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) _exit(125);
}

// In the child, after fork.
[[noreturn]] void Execute(std::vector<std::string> args, const std::string& in_path,
                          const std::string& out_path, const std::string& err_path,
                          const StartOptions& options) {
  Redirect(in_path, O_RDONLY, STDIN_FILENO);
  Redirect(out_path, O_WRONLY | O_CREAT, STDOUT_FILENO);
  Redirect(err_path, O_WRONLY | O_CREAT, STDERR_FILENO);
  if (options.file_limit > 0) signal(SIGXFSZ, SIG_IGN);  // writes fail as on a full disk
  std::string tool = KITH_TOOL;
  std::vector<char*> argv{tool.data()};
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  Limit(RLIMIT_FSIZE, options.file_limit);
  Limit(RLIMIT_STACK, options.stack_size);
  Limit(RLIMIT_AS, options.memory_limit);
  execv(tool.c_str(), argv.data());
  _exit(127);
}

void AppendRow(const void* values, size_t bytes, uint32_t dim, std::string* out) {
  out->append(reinterpret_cast<const char*>(&dim), sizeof(dim));
  out->append(static_cast<const char*>(values), bytes);
}

}  // namespace

Process Process::Start(const std::vector<std::string>& args, const StartOptions& options) {
  Process process;
  const auto path_or_temporary = [&](const std::string& path) {
    if (!path.empty()) return path;
    process.temporary_.push_back(TemporaryName());
    return process.temporary_.back();
  };
  process.in_path_ = path_or_temporary(options.in_path);
  process.out_path_ = path_or_temporary(options.out_path);
  process.err_path_ = path_or_temporary("");
  if (options.in_path.empty()) WriteFile(process.in_path_, options.input);
  process.pid_ = fork();
  if (process.pid_ == 0) {
    Execute(args, process.in_path_, process.out_path_, process.err_path_, options);
  }
  EXPECT_GT(process.pid_, 0);
  return process;
}

Outcome Process::Wait() {
  int status = 0;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  Outcome outcome;
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.err = ReadFile(err_path_);
  if (std::filesystem::is_regular_file(out_path_)) outcome.out = ReadFile(out_path_);
  for (const std::string& path : temporary_) std::filesystem::remove(path);
  return outcome;
}

bool Process::HasMapped(const std::string& name) const {
  std::ifstream maps(StrCat("/proc/", pid_, "/maps"));
  std::ostringstream content;
  content << maps.rdbuf();
  return content.str().find(name) != std::string::npos;
}

void Process::Signal(int signal_number) const { kill(pid_, signal_number); }

bool Process::Running() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

Matrix RandomFloats(size_t rows, size_t dim, uint64_t seed) {
  Rng rng(seed);
  Matrix m{rows, dim, std::vector<float>(rows * dim)};
  for (float& value : m.values) value = static_cast<float>(rng.Normal());
  return m;
}

Matrix RandomBytes(size_t rows, size_t dim, uint64_t seed) {
  Rng rng(seed);
  Matrix m{rows, dim, std::vector<float>(rows * dim)};
  for (float& value : m.values) value = static_cast<float>(rng.Below(256));
  return m;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  EXPECT_TRUE(file.good()) << path;
}

std::vector<std::string> SplitLines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<int64_t> Nearest(Distance distance, const Matrix& base, const float* query, size_t k) {
  std::vector<std::pair<double, int64_t>> all;
  for (size_t i = 0; i < base.rows; ++i) {
    double qx = 0;
    double qq = 0;
    double xx = 0;
    double l2 = 0;
    for (size_t j = 0; j < base.dim; ++j) {
      const double q = query[j];
      const double x = base.row(i)[j];
      qx += q * x;
      qq += q * q;
      xx += x * x;
      l2 += (q - x) * (q - x);
    }
    const double d = distance == Distance::kCosine ? 1 - qx / std::sqrt(qq * xx) : l2;
    all.emplace_back(d, static_cast<int64_t>(i));
  }
  std::sort(all.begin(), all.end());
  std::vector<int64_t> ids;
  for (size_t i = 0; i < std::min(k, all.size()); ++i) ids.push_back(all[i].second);
  return ids;
}

void CliTest::SetUp() {
  directory_ = ::testing::TempDir() + "/kith_cli_dir_XXXXXX";
  ASSERT_NE(mkdtemp(directory_.data()), nullptr);
}

void RealDataCliTest::SetUp() {
  const char* data = std::getenv("KITH_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "NOT TESTED: set KITH_DATA to the directory of the real data sets";
  }
  data_ = data;
  CliTest::SetUp();
}

void CliTest::TearDown() { std::filesystem::remove_all(directory_); }

std::vector<std::string> CliTest::FilesInDirectory() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Outcome CliTest::Run(const std::vector<std::string>& args, const std::string& input) {
  StartOptions options;
  options.input = input;
  return Process::Start(args, options).Wait();
}

std::string CliTest::Ok(const std::vector<std::string>& args, const std::string& input) {
  const Outcome outcome = Run(args, input);
  EXPECT_EQ(outcome.exit_code, 0) << ::testing::PrintToString(args);
  EXPECT_EQ(outcome.err, "") << ::testing::PrintToString(args);
  return outcome.out;
}

nlohmann::json CliTest::OkJson(const std::vector<std::string>& args, const std::string& input) {
  const std::vector<nlohmann::json> lines = OkJsonLines(args, input);
  EXPECT_EQ(lines.size(), 1u);
  return lines.empty() ? nlohmann::json() : lines[0];
}

std::vector<nlohmann::json> CliTest::OkJsonLines(const std::vector<std::string>& args,
                                                 const std::string& input) {
  std::vector<nlohmann::json> objects;
  for (const std::string& line : SplitLines(Ok(args, input))) {
    objects.push_back(nlohmann::json::parse(line, nullptr, false));
    EXPECT_TRUE(objects.back().is_object()) << line;
  }
  return objects;
}

void CliTest::Fails(int exit_code, const std::vector<std::string>& args,
                    const std::vector<std::string>& words, const std::string& input) {
  SCOPED_TRACE(::testing::PrintToString(args));
  const Outcome outcome = Run(args, input);
  EXPECT_EQ(outcome.exit_code, exit_code);
  EXPECT_EQ(outcome.err.rfind("kith: ", 0), 0u) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  for (const std::string& word : words) {
    EXPECT_NE(outcome.err.find(word), std::string::npos)
        << "expected '" << word << "' in: " << outcome.err;
  }
}

std::string CliTest::WriteFvecs(const std::string& name, const Matrix& m) const {
  std::string content;
  for (size_t i = 0; i < m.rows; ++i) {
    AppendRow(m.row(i), m.dim * sizeof(float), static_cast<uint32_t>(m.dim), &content);
  }
  WriteFile(Path(name), content);
  return Path(name);
}

std::string CliTest::WriteBvecs(const std::string& name, const Matrix& m) const {
  std::string content;
  for (size_t i = 0; i < m.rows; ++i) {
    std::vector<uint8_t> row(m.dim);
    std::transform(m.row(i), m.row(i) + m.dim, row.begin(),
                   [](float x) { return static_cast<uint8_t>(x); });
    AppendRow(row.data(), m.dim, static_cast<uint32_t>(m.dim), &content);
  }
  WriteFile(Path(name), content);
  return Path(name);
}

std::string CliTest::WriteWord2vec(const std::string& name, const std::vector<std::string>& words,
                                   const Matrix& m) const {
  std::ostringstream content;
  content.precision(9);
  content << m.rows << ' ' << m.dim << '\n';
  for (size_t i = 0; i < m.rows; ++i) {
    content << words[i];
    for (size_t j = 0; j < m.dim; ++j) content << ' ' << m.row(i)[j];
    content << '\n';
  }
  WriteFile(Path(name), content.str());
  return Path(name);
}

std::string CliTest::WriteSmallWords() const {
  const Matrix m = SmallWords();
  std::vector<std::string> words{"river", "Chinese"};
  for (size_t i = 2; i < m.rows; ++i) words.push_back(StrCat("w", i));
  return WriteWord2vec("words.vec", words, m);
}

}  // namespace kith::cli_test
