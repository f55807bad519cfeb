// The C++ side of bench/python_overhead.py: answers one line of its input after the other, so that
// both sides take turns.
//   search FILE VECTORS K EFFORT ROUNDS   seconds a query of single searches, best of the rounds
//   batch FILE VECTORS K EFFORT ROUNDS    the same of all queries in one call
//   build VECTORS FILE INDEX              processor seconds; INDEX is exact or graph
#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "kith/kith.h"

namespace {

using kith::Status;

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Status Search(std::istream& in, bool single, double* seconds) {
  std::string file, vectors;
  kith::SearchParams params;
  int rounds = 0;
  in >> file >> vectors >> params.k >> params.effort >> rounds;
  KITH_ASSIGN_OR_RETURN(const auto index, kith::OpenIndex(file));
  KITH_ASSIGN_OR_RETURN(const kith::Dataset queries, kith::ReadDataset(vectors));
  const size_t step = single ? 1 : queries.vectors.rows;
  *seconds = 1e9;
  for (int round = 0; round < rounds; ++round) {
    const double start = Now();
    for (size_t begin = 0; begin < queries.vectors.rows; begin += step) {
      kith::MatrixView some = queries.vectors;
      some.data = queries.vectors.row(begin);
      some.rows = step;
      kith::SearchResult result;
      KITH_RETURN_IF_ERROR(index->Search(some, params, &result));
    }
    *seconds = std::min(*seconds, (Now() - start) / static_cast<double>(queries.vectors.rows));
  }
  return Status::Ok();
}

Status Build(std::istream& in, double* seconds) {
  std::string vectors, file, kind;
  in >> vectors >> file >> kind;
  KITH_ASSIGN_OR_RETURN(const kith::Dataset base, kith::ReadDataset(vectors));
  kith::BuildOptions options;
  options.metric = kith::Metric::kEuclidean;
  if (kind == "graph") {
    options.paths.push_back(kith::GraphOptions{});
  } else {
    options.paths.push_back(kith::ExactOptions{});
  }
  const std::clock_t start = std::clock();
  KITH_RETURN_IF_ERROR(kith::BuildIndex(base.vectors, file, options));
  *seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  return Status::Ok();
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string what;
    in >> what;
    double seconds = 0;
    const Status status =
        what == "build" ? Build(in, &seconds) : Search(in, what == "search", &seconds);
    if (!status.ok()) {
      std::cerr << status.message() << '\n';
      return 1;
    }
    std::cout << seconds << std::endl;
  }
}
