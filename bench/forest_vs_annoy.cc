// The forest against Annoy on the same vectors, trees and queries, in one process, the two measured
// in turn. Prints recall beside speed for a grid of search_k, and the ratio of speeds at equal
// recall.
//
//   forest_vs_annoy BASE QUERIES angular|euclidean [TREES [NUM_QUERIES]]
//
// QUERIES may be `-`: then NUM_QUERIES vectors, evenly spread, are taken out of BASE to be the
// queries.
#include <annoylib.h>
#include <kissrandom.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bench_data.h"
#include "bench_util.h"
#include "data/convert.h"
#include "kith/kith.h"

namespace kith::bench {
namespace {

constexpr size_t kNeighbours = 10;
constexpr int kRounds = 3;

struct Point {
  int64_t effort;
  double recall;
  double qps;
};

std::vector<float> ToFloats(const MatrixView& m) {
  std::vector<float> out(m.rows * m.dim);
  for (size_t i = 0; i < m.rows; ++i) RowToF32(m, i, out.data() + i * m.dim);
  return out;
}

// Queries a second at a recall, from the line through the points on either side (both axes as they
// are plotted: recall as it is, speed as a logarithm). 0 if the curve does not reach it.
double QpsAt(const std::vector<Point>& curve, double recall) {
  for (size_t i = 0; i < curve.size(); ++i) {
    if (curve[i].recall < recall) continue;
    if (i == 0) return curve[0].qps;
    const double t = (recall - curve[i - 1].recall) / (curve[i].recall - curve[i - 1].recall);
    return std::exp(std::log(curve[i - 1].qps) * (1 - t) + std::log(curve[i].qps) * t);
  }
  return 0;
}

// Prints both curves, and both speeds where they reach the same recall.
void PrintCurves(const std::vector<Point>& theirs, const std::vector<Point>& ours) {
  std::printf("  search_k  Annoy recall      qps   kith recall      qps\n");
  for (size_t i = 0; i < ours.size(); ++i) {
    std::printf("  %8ld  %12.4f %8.0f  %12.4f %8.0f\n", static_cast<long>(ours[i].effort),
                theirs[i].recall, theirs[i].qps, ours[i].recall, ours[i].qps);
  }
  std::printf("\n  at recall  Annoy qps   kith qps   ratio\n");
  for (const double recall : {0.8, 0.9, 0.95, 0.99}) {
    const double a = QpsAt(theirs, recall);
    const double k = QpsAt(ours, recall);
    if (a > 0 && k > 0) {
      std::printf("  %9.2f  %9.0f  %9.0f  %5.1fx\n", recall, a, k, k / a);
    }
  }
}

template <class Distance>
int Run(const MatrixView& b, const MatrixView& q, Metric metric, uint32_t trees) {
  using Rival = Annoy::AnnoyIndex<int, float, Distance, Annoy::Kiss64Random,
                                  Annoy::AnnoyIndexSingleThreadedBuildPolicy>;
  const std::vector<float> base_floats = ToFloats(b);
  const std::vector<float> query_floats = ToFloats(q);

  double start = Seconds();
  Rival annoy(static_cast<int>(b.dim));
  for (size_t i = 0; i < b.rows; ++i) {
    annoy.add_item(static_cast<int>(i), base_floats.data() + i * b.dim);
  }
  annoy.build(static_cast<int>(trees));
  const double annoy_build = Seconds() - start;
  const std::string annoy_path = "forest_vs_annoy.ann";
  annoy.save(annoy_path.c_str());

  const std::string path = "forest_vs_annoy.kith";
  start = Seconds();
  Check(BuildIndex(b, path,
                   {.metric = metric, .forest_options = {.num_trees = trees}, .threads = 1}));
  const double build = Seconds() - start;
  const std::unique_ptr<Index> index = Check(OpenIndex(path, {.prefault = true}));

  const GroundTruth truth = Check(ComputeGroundTruth(b, q, metric, kNeighbours));
  const auto recall_of = [&](const std::vector<float>& distances) {
    return RecallAtK(distances.data(), kNeighbours, truth.distances.data(), kNeighbours, q.rows,
                     kNeighbours);
  };

  std::vector<Point> ours;
  std::vector<Point> theirs;
  for (int64_t effort = 125; effort <= 32000; effort *= 2) {
    std::vector<double> our_times;
    std::vector<double> their_times;
    SearchResult result;
    std::vector<float> found;
    for (int round = 0; round < kRounds; ++round) {
      start = Seconds();
      Check(index->Search(q, {.k = kNeighbours, .index = IndexKind::kForest, .effort = effort},
                          &result));
      our_times.push_back(Seconds() - start);
      found.clear();
      start = Seconds();
      for (size_t i = 0; i < q.rows; ++i) {
        std::vector<int> ids;
        std::vector<float> distances;
        annoy.get_nns_by_vector(query_floats.data() + i * q.dim, kNeighbours,
                                static_cast<int>(effort), &ids, &distances);
        distances.resize(kNeighbours, std::numeric_limits<float>::max());
        found.insert(found.end(), distances.begin(), distances.end());
      }
      their_times.push_back(Seconds() - start);
    }
    if (metric == Metric::kAngular) {
      for (float& d : found) d = d * d / 2;  // Annoy's sqrt(2 - 2 cos) as 1 - cos
    }
    const auto n = static_cast<double>(q.rows);
    ours.push_back({effort, recall_of(result.distances), n / Median(our_times)});
    theirs.push_back({effort, recall_of(found), n / Median(their_times)});
  }

  std::printf("%zu x %zu, %zu queries, %u trees, recall@%zu, one thread, kernels of their best\n\n",
              b.rows, b.dim, q.rows, trees, kNeighbours);
  std::printf("           build s   bytes a vector\n");
  const auto bytes = [&](const std::string& file) {
    return static_cast<double>(std::filesystem::file_size(file)) / static_cast<double>(b.rows);
  };
  std::printf("  Annoy  %9.2f  %15.0f\n  kith   %9.2f  %15.0f\n  ratio  %8.1fx  %14.2fx\n\n",
              annoy_build, bytes(annoy_path), build, bytes(path), annoy_build / build,
              bytes(path) / bytes(annoy_path));
  PrintCurves(theirs, ours);
  std::filesystem::remove(path);
  std::filesystem::remove(annoy_path);
  return 0;
}

int Main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: forest_vs_annoy BASE QUERIES|- angular|euclidean [TREES [N]]\n");
    return 2;
  }
  const uint32_t trees = argc > 4 ? static_cast<uint32_t>(std::stoul(argv[4])) : 50;
  const size_t num_queries = argc > 5 ? std::stoul(argv[5]) : 2000;
  const Dataset base = Check(ReadDataset(argv[1]));
  const Split data = SplitQueries(base, argv[2], num_queries);
  return std::string(argv[3]) == "angular"
             ? Run<Annoy::Angular>(data.base, data.queries, Metric::kAngular, trees)
             : Run<Annoy::Euclidean>(data.base, data.queries, Metric::kEuclidean, trees);
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
