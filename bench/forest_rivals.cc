// The forest beside Annoy and MRPT, on the same vectors and queries, in one process, one thread,
// one query a call, measured in turn. Prints each one's recall beside its speed, speeds at equal
// recall and their ratios, and writes the curves as tab-separated values.
//
//   forest_rivals BASE QUERIES angular|euclidean CURVES.tsv [TREES [NUM_QUERIES]]
//
// QUERIES may be `-`: then NUM_QUERIES vectors, evenly spread, are taken out of BASE to be the
// queries.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/math.h"
#include "bench_data.h"
#include "bench_util.h"
#include "data/convert.h"
#include "kith/kith.h"
#include "rival.h"

namespace kith::bench {
namespace {

constexpr size_t kNeighbours = 10;
constexpr int kRounds = 3;
constexpr double kRecalls[] = {0.8, 0.9, 0.95, 0.99};
constexpr int64_t kEfforts[] = {60, 125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000};

struct Point {
  std::string setting;
  double recall;
  double qps;
};

struct Curve {
  std::string name;
  double build_seconds;
  double bytes;  // a vector; 0: not known
  std::vector<Point> points;
};

// As float32, divided by their norms for the angular metric.
std::vector<float> ToFloats(const MatrixView& m, Metric metric) {
  std::vector<float> out(m.rows * m.dim);
  for (size_t i = 0; i < m.rows; ++i) {
    float* x = out.data() + i * m.dim;
    data::RowToF32(m, i, x);
    if (metric != Metric::kAngular) continue;
    const double norm = std::sqrt(SquaredNorm(x, m.dim));
    for (size_t c = 0; c < m.dim && norm > 0; ++c) x[c] = static_cast<float>(x[c] / norm);
  }
  return out;
}

// Queries a second at a recall, from the line through the points on either side (both axes as they
// are plotted: recall as it is, speed as a logarithm). 0 if the curve does not reach it.
double QpsAt(const Curve& curve, double recall) {
  const std::vector<Point>& p = curve.points;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i].recall < recall) continue;
    if (i == 0) return p[0].qps;
    const double t = (recall - p[i - 1].recall) / (p[i].recall - p[i - 1].recall);
    return std::exp(std::log(p[i - 1].qps) * (1 - t) + std::log(p[i].qps) * t);
  }
  return 0;
}

class Comparison {
 public:
  Comparison(const MatrixView& base, const MatrixView& queries, Metric metric)
      : queries_(queries),
        metric_(metric),
        floats_(ToFloats(queries, metric)),
        truth_(Check(ComputeGroundTruth(base, queries, metric, kNeighbours))) {}

  // As a rival of Euclidean distance between unit vectors says it: 1 - cos is half of its square.
  double Recall(std::vector<float> distances) const {
    if (metric_ == Metric::kAngular) {
      for (float& d : distances) d = d * d / 2;
    }
    return RecallOf(distances);
  }
  double RecallOf(const std::vector<float>& distances) const {
    return RecallAtK(distances.data(), kNeighbours, truth_.distances.data(), kNeighbours,
                     queries_.rows, kNeighbours);
  }

  Point MeasureKith(const Index& index, int64_t effort) const {
    std::vector<float> found;
    SearchResult result;
    const double start = Seconds();
    for (size_t i = 0; i < queries_.rows; ++i) {
      MatrixView one = queries_;
      one.data = queries_.row(i);
      one.rows = 1;
      Check(index.Search(one, {.k = kNeighbours, .index = IndexKind::kForest, .effort = effort},
                         &result));
      found.insert(found.end(), result.distances.begin(), result.distances.end());
    }
    const double seconds = Seconds() - start;
    return {std::to_string(effort), RecallOf(found), static_cast<double>(queries_.rows) / seconds};
  }

  Point MeasureRival(Rival* rival, size_t setting) const {
    rival->Use(setting);
    std::vector<float> found(queries_.rows * kNeighbours);
    const double start = Seconds();
    for (size_t i = 0; i < queries_.rows; ++i) {
      rival->Query(floats_.data() + i * queries_.dim, kNeighbours, found.data() + i * kNeighbours);
    }
    const double seconds = Seconds() - start;
    return {rival->Setting(setting), Recall(found), static_cast<double>(queries_.rows) / seconds};
  }

 private:
  MatrixView queries_;
  Metric metric_;
  std::vector<float> floats_;
  GroundTruth truth_;
};

// The point with the median speed.
Point MedianPoint(std::vector<Point> rounds) {
  std::sort(rounds.begin(), rounds.end(),
            [](const Point& a, const Point& b) { return a.qps < b.qps; });
  return rounds[rounds.size() / 2];
}

void Print(const std::vector<Curve>& curves) {
  std::printf("%-8s %9s %15s\n", "", "build s", "bytes a vector");
  for (const Curve& c : curves) {
    std::printf("%-8s %9.2f %15.0f\n", c.name.c_str(), c.build_seconds, c.bytes);
  }
  for (const Curve& c : curves) {
    std::printf("\n%-8s %9s %9s\n", c.name.c_str(), "recall", "qps");
    for (const Point& p : c.points) {
      std::printf("%8s %9.4f %9.0f\n", p.setting.c_str(), p.recall, p.qps);
    }
  }
  std::printf("\n%-10s", "at recall");
  for (const Curve& c : curves) std::printf(" %16s", c.name.c_str());
  std::printf("\n");
  for (const double recall : kRecalls) {
    std::printf("%-10.2f", recall);
    const double ours = QpsAt(curves[0], recall);
    for (const Curve& c : curves) {
      const double qps = QpsAt(c, recall);
      if (qps == 0) {
        std::printf(" %16s", "-");
      } else if (&c == curves.data()) {
        std::printf(" %16.0f", qps);
      } else {
        std::printf(" %8.0f (%4.1fx)", qps, ours / qps);
      }
    }
    std::printf("\n");
  }
}

void WriteCurves(const std::vector<Curve>& curves, const std::string& path) {
  std::FILE* out = std::fopen(path.c_str(), "w");
  if (out == nullptr) Check(Status::IoError("cannot write " + path));
  std::fprintf(out, "name\tsetting\trecall\tqps\n");
  for (const Curve& c : curves) {
    for (const Point& p : c.points) {
      std::fprintf(out, "%s\t%s\t%.5f\t%.1f\n", c.name.c_str(), p.setting.c_str(), p.recall, p.qps);
    }
  }
  std::fclose(out);
}

int Run(const MatrixView& base, const MatrixView& queries, Metric metric, uint32_t trees,
        const std::string& curves_path) {
  const Comparison comparison(base, queries, metric);
  std::vector<Curve> curves;

  const std::string path = "forest_rivals.kith";
  double start = Seconds();
  Check(BuildIndex(base, path,
                   {.metric = metric,
                    .paths = {ForestOptions{.num_trees = trees}},
                    .calibrate = false,
                    .threads = 1}));
  const double n = static_cast<double>(base.rows);
  curves.push_back(
      {"kith", Seconds() - start, static_cast<double>(std::filesystem::file_size(path)) / n, {}});
  const std::unique_ptr<Index> index = Check(OpenIndex(path, {.prefault = true}));

  const std::vector<float> floats = ToFloats(base, metric);
  std::vector<std::unique_ptr<Rival>> rivals;
  for (std::unique_ptr<Rival>& rival : std::array{MakeAnnoy(trees), MakeMrpt(kNeighbours)}) {
    if (rival == nullptr) continue;
    start = Seconds();
    rival->Build(floats.data(), base.rows, base.dim);
    const double seconds = Seconds() - start;
    curves.push_back({rival->name(), seconds, static_cast<double>(rival->Bytes()) / n, {}});
    rivals.push_back(std::move(rival));
  }

  for (size_t setting = 0;; ++setting) {
    std::vector<std::vector<Point>> rounds(curves.size());
    for (int round = 0; round < kRounds; ++round) {
      if (setting < std::size(kEfforts)) {
        rounds[0].push_back(comparison.MeasureKith(*index, kEfforts[setting]));
      }
      for (size_t r = 0; r < rivals.size(); ++r) {
        if (setting < rivals[r]->NumSettings()) {
          rounds[r + 1].push_back(comparison.MeasureRival(rivals[r].get(), setting));
        }
      }
    }
    bool any = false;
    for (size_t c = 0; c < curves.size(); ++c) {
      if (rounds[c].empty()) continue;
      curves[c].points.push_back(MedianPoint(rounds[c]));
      any = true;
    }
    if (!any) break;
  }

  std::printf("%zu x %zu, %zu queries, %u trees, recall@%zu, one thread, one query a call\n\n",
              base.rows, base.dim, queries.rows, trees, kNeighbours);
  Print(curves);
  WriteCurves(curves, curves_path);
  std::filesystem::remove(path);
  return 0;
}

int Main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr,
                 "usage: forest_rivals BASE QUERIES|- angular|euclidean CURVES.tsv [TREES [N]]\n");
    return 2;
  }
  const uint32_t trees = argc > 5 ? static_cast<uint32_t>(std::stoul(argv[5])) : 50;
  const size_t num_queries = argc > 6 ? std::stoul(argv[6]) : 2000;
  const Dataset base = Check(ReadDataset(argv[1]));
  const Split data = SplitQueries(base, argv[2], num_queries);
  const Metric metric = std::string(argv[3]) == "angular" ? Metric::kAngular : Metric::kEuclidean;
  return Run(data.base, data.queries, metric, trees, argv[4]);
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
