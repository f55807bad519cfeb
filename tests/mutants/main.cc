// Makes mutants one after the other and does everything with each, in a process that a mutant may
// end, which the one that was started watches:
//
//   mutants KIND [--first SEED] [--count N] [--seconds S]
//   mutants KIND --only SEED [--write FILE]       in this process, for a debugger
//
// A finding is a signal (an answer that may not be given is one, too), more than S seconds (5) of a
// processor, an end that does not come for a minute and ten times that, or memory beyond 16 times
// the file and kOwnMemory. Each is printed with its seed, from which --only makes the mutant anew.
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "mutants/memory.h"
#include "mutants/mutant.h"
#include "sanitized.h"

namespace kith::mutants {
namespace {

// What a search takes whatever the file's size: tiles of distances, the stacks' share of threads,
// the scratch of walks. Half of it is one tile.
constexpr size_t kOwnMemory = size_t{2} << 20;
constexpr size_t kMostMemoryPerByte = 16;
// A mutant that would take all memory of the machine gets an error, and is a finding.
constexpr rlim_t kAddressSpace = rlim_t{4} << 30;

// Of this process, on all its threads: what else the machine does must not make findings.
double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Options {
  Kind kind{};
  uint64_t first = 0;
  uint64_t count = 1000;
  double seconds = 5;
  bool only = false;
  std::string write;
};

// What the process at work tells the one that watches.
struct Shared {
  std::atomic<uint64_t> seed;
  std::atomic<double> began;
  std::atomic<uint64_t> done;
  std::atomic<uint64_t> opened;
  std::atomic<uint64_t> sound;
  std::atomic<uint64_t> findings;
  std::atomic<double> slowest;
  std::atomic<uint64_t> slowest_seed;
  std::atomic<double> largest;  // share of the memory that is allowed
  std::atomic<uint64_t> largest_seed;
};

void Report(Shared* shared, const Kind& kind, uint64_t seed, const std::string& what) {
  ++shared->findings;
  std::printf("FOUND: mutants %s --only %llu: %s\n", kind.name,
              static_cast<unsigned long long>(seed), what.c_str());
  std::fflush(stdout);
}

std::string Run(const Options& options, uint64_t seed, Shared* shared) {
  const std::string bytes = options.kind.make(seed);
  ForgetPeak();
  const double start = CpuSeconds();
  const Outcome outcome = options.kind.use(bytes, seed);
  const double seconds = CpuSeconds() - start;
  const size_t allowed = kOwnMemory + kMostMemoryPerByte * bytes.size();
  const double share = static_cast<double>(Peak()) / static_cast<double>(allowed);
  ++shared->done;
  shared->opened += outcome.opened ? 1 : 0;
  shared->sound += outcome.sound ? 1 : 0;
  if (seconds > shared->slowest) {
    shared->slowest = seconds;
    shared->slowest_seed = seed;
  }
  if (share > shared->largest) {
    shared->largest = share;
    shared->largest_seed = seed;
  }
  char text[200];
  if (seconds > options.seconds) {
    std::snprintf(text, sizeof(text), "took %.1f s, file of %zu bytes", seconds, bytes.size());
    Report(shared, options.kind, seed, text);
  }
  if (share > 1) {
    std::snprintf(text, sizeof(text), "took %zu bytes of memory, file of %zu bytes", Peak(),
                  bytes.size());
    Report(shared, options.kind, seed, text);
  }
  return outcome.fault;
}

[[noreturn]] void Work(const Options& options, uint64_t begin, uint64_t end, Shared* shared) {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const rlimit space{kAddressSpace, kAddressSpace};
  if (!testing::kSanitized) setrlimit(RLIMIT_AS, &space);
  for (uint64_t seed = begin; seed < end; ++seed) {
    shared->seed = seed;
    shared->began = Now();
    Run(options, seed, shared);
  }
  std::fflush(stdout);
  _exit(0);
}

// Waits for the process at work; kills it where a mutant takes far too long. Returns whether all
// was done; if not, what ended it has been told.
bool Watch(const Options& options, pid_t child, Shared* shared) {
  const double most = 10 * options.seconds + 60;
  int status = 0;
  bool killed = false;
  while (true) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) break;
    if (ended < 0 && errno != EINTR) std::abort();
    if (!killed && Now() - shared->began > most) {
      killed = true;
      kill(child, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  const std::string what = killed ? "did not end"
                           : WIFSIGNALED(status)
                               ? std::string("signal ") + strsignal(WTERMSIG(status))
                               : "exit code " + std::to_string(WEXITSTATUS(status));
  Report(shared, options.kind, shared->seed, what);
  return false;
}

int RunAll(const Options& options) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  auto* shared = new (memory) Shared{};
  const uint64_t end = options.first + options.count;
  const double start = Now();
  for (uint64_t begin = options.first; begin < end;) {
    shared->seed = begin;
    shared->began = Now();
    const pid_t child = fork();
    if (child < 0) std::abort();
    if (child == 0) Work(options, begin, end, shared);
    if (Watch(options, child, shared)) break;
    begin = shared->seed + 1;
  }
  std::printf(
      "%s: %llu mutants (%s), %llu opened, %llu sound, in %.0f s; slowest %.2f s (seed %llu), most "
      "memory %.2f of what is allowed (seed %llu); %llu findings\n",
      options.kind.name, static_cast<unsigned long long>(options.count), options.kind.what,
      static_cast<unsigned long long>(shared->opened),
      static_cast<unsigned long long>(shared->sound), Now() - start, shared->slowest.load(),
      static_cast<unsigned long long>(shared->slowest_seed), shared->largest.load(),
      static_cast<unsigned long long>(shared->largest_seed),
      static_cast<unsigned long long>(shared->findings));
  return shared->findings == 0 ? 0 : 1;
}

int RunOne(const Options& options) {
  const std::string bytes = options.kind.make(options.first);
  if (!options.write.empty()) {
    std::ofstream(options.write, std::ios::binary) << bytes;
    return 0;
  }
  static Shared shared{};
  const std::string fault = Run(options, options.first, &shared);
  std::printf("seed %llu: %zu bytes, %s, %s, %.3f s, %zu bytes of memory\n",
              static_cast<unsigned long long>(options.first), bytes.size(),
              shared.opened > 0 ? "opened" : "not opened", shared.sound > 0 ? "sound" : "not sound",
              shared.slowest.load(), Peak());
  if (!fault.empty()) std::printf("%s\n", fault.c_str());
  return shared.findings == 0 ? 0 : 1;
}

// Mutants that are findings, to see that these are told: seeds 2 to 5, one kind each.
Outcome Misbehave(const std::string& bytes, uint64_t seed) {
  if (seed == 2) raise(SIGSEGV);
  Require(seed != 3, "an answer that may not be given");
  const std::vector<char> memory(seed == 4 ? kOwnMemory + 17 * bytes.size() : 1);
  Require(!memory.empty() && memory.back() == 0, "memory that is not there");
  const double start = CpuSeconds();
  while (seed == 5 && CpuSeconds() - start < 0.5) continue;
  return {};
}

Kind Findings() {
  return {"findings", "to be found", [](uint64_t) { return std::string(1000, 'x'); }, Misbehave};
}

[[noreturn]] void Usage() {
  std::fprintf(stderr,
               "mutants lying|strange|annoy [--first SEED] [--count N] [--seconds S]\n"
               "mutants lying|strange|annoy --only SEED [--write FILE]\n");
  std::exit(2);
}

Options Parse(int argc, char** argv) {
  Options options;
  if (argc < 2) Usage();
  for (const Kind& kind : {LyingKith(), StrangeKith(), Annoy(), Findings()}) {
    if (std::strcmp(argv[1], kind.name) == 0) options.kind = kind;
  }
  if (options.kind.name == nullptr) Usage();
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) Usage();
    const char* value = argv[i + 1];
    if (name == "--first" || name == "--only") {
      options.first = std::strtoull(value, nullptr, 10);
      options.only = name == "--only";
    } else if (name == "--count") {
      options.count = std::strtoull(value, nullptr, 10);
    } else if (name == "--seconds") {
      options.seconds = std::strtod(value, nullptr);
    } else if (name == "--write") {
      options.write = value;
    } else {
      Usage();
    }
  }
  return options;
}

}  // namespace

void Require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "mutants: %s\n", what);
  std::abort();
}

}  // namespace kith::mutants

int main(int argc, char** argv) {
  const kith::mutants::Options options = kith::mutants::Parse(argc, argv);
  return options.only ? kith::mutants::RunOne(options) : kith::mutants::RunAll(options);
}
