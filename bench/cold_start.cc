// One query from a cold process: from exec to the printed answer, with the file in the page cache
// and without it, and how much of the file the query reads.
//
//   cold_start KITH FOLDER [ROWS [DIM]]
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/rng.h"
#include "bench_util.h"
#include "kith/kith.h"

extern char** environ;

namespace kith::bench {
namespace {

constexpr size_t kCentres = 10000;
constexpr int kRuns = 21;

// Rows around common centres, and one query like them.
Status MakeFiles(const std::string& path, const std::string& query_path, size_t n, size_t dim) {
  Rng rng(1);
  std::vector<float> centres(kCentres * dim);
  for (float& v : centres) v = static_cast<float>(rng.Normal());
  std::vector<float> x((n + 1) * dim);
  for (size_t r = 0; r <= n; ++r) {
    const float* centre = centres.data() + rng.Below(kCentres) * dim;
    for (size_t c = 0; c < dim; ++c) {
      x[r * dim + c] = centre[c] + static_cast<float>(rng.Uniform() - 0.5);
    }
  }
  const auto view = [&](size_t first, size_t count) {
    return MatrixView{reinterpret_cast<const std::byte*>(x.data() + first * dim), count, dim,
                      dim * sizeof(float), DataType::kF32};
  };
  KITH_RETURN_IF_ERROR(WriteDataset(query_path, "fbin", view(n, 1), {}));
  return BuildIndex(view(0, n), path, {.paths = {ForestOptions{}}});
}

struct Cost {
  double seconds = 0;
  double resident = 0;  // pages of the file in memory afterwards
  double faults = 0;    // that had to wait for the disk
  double read = 0;      // bytes
};

// Forgets the file's cached pages. They must have been written.
void Evict(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fdatasync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0) {
    Check(Status::IoError("cannot evict " + path));
  }
  close(fd);
}

size_t ResidentPages(const std::string& path) {
  const size_t bytes = std::filesystem::file_size(path);
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void* map = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  std::vector<unsigned char> in((bytes + page - 1) / page);
  if (map == MAP_FAILED || mincore(map, bytes, in.data()) != 0) {
    Check(Status::IoError("cannot look at the cached pages of " + path));
  }
  munmap(map, bytes);
  size_t count = 0;
  for (const unsigned char flags : in) count += flags & 1;
  return count;
}

Cost RunOnce(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  Cost cost;
  const double start = Seconds();
  pid_t pid = 0;
  int status = 0;
  rusage usage{};
  if (posix_spawn(&pid, argv[0], &quiet, nullptr, argv.data(), environ) != 0 ||
      wait4(pid, &status, 0, &usage) != pid || status != 0) {
    Check(Status::IoError("cannot run " + command[0]));
  }
  cost.seconds = Seconds() - start;
  posix_spawn_file_actions_destroy(&quiet);
  cost.faults = static_cast<double>(usage.ru_majflt);
  cost.read = static_cast<double>(usage.ru_inblock) * 512;
  return cost;
}

double MedianOf(const std::vector<Cost>& costs, double Cost::*field) {
  std::vector<double> values;
  for (const Cost& cost : costs) values.push_back(cost.*field);
  return Median(values);
}

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: cold_start KITH FOLDER [ROWS [DIM]]\n");
    return 2;
  }
  const size_t n = argc > 3 ? std::stoul(argv[3]) : 1'000'000;
  const size_t dim = argc > 4 ? std::stoul(argv[4]) : 300;
  const std::string path = std::string(argv[2]) + "/cold_start.kith";
  const std::string query_path = std::string(argv[2]) + "/cold_start.fbin";
  Check(MakeFiles(path, query_path, n, dim));
  const std::vector<std::string> command = {argv[1], "search", path,        "--queries", query_path,
                                            "-k",    "10",     "--threads", "1"};
  std::printf("%zu x %zu, float32, %.2f GB with its forest; one query, exec to exit\n\n", n, dim,
              static_cast<double>(std::filesystem::file_size(path)) * 1e-9);
  std::printf("%-22s %8s %8s %12s %14s\n", "", "ms", "faults", "read kB", "pages in memory");
  for (const bool cached : {true, false}) {
    std::vector<Cost> costs;
    if (cached) Check(VerifyIndex(path));  // which reads all of it
    for (int run = 0; run < kRuns; ++run) {
      if (!cached) Evict(path);
      costs.push_back(RunOnce(command));
      if (!cached) costs.back().resident = static_cast<double>(ResidentPages(path));
    }
    std::printf("%-22s %8.2f %8.0f %12.0f", cached ? "file in page cache" : "nothing cached",
                MedianOf(costs, &Cost::seconds) * 1e3, MedianOf(costs, &Cost::faults),
                MedianOf(costs, &Cost::read) / 1024);
    if (cached) {
      std::printf(" %14s\n", "all");
    } else {
      std::printf(" %14.0f\n", MedianOf(costs, &Cost::resident));
    }
  }
  std::filesystem::remove(path);
  std::filesystem::remove(query_path);
  return 0;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
