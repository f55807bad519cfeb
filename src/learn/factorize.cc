#include "kith/factorize.h"

#include <algorithm>
#include <cmath>

#include "base/edge.h"
#include "base/rng.h"
#include "base/strings.h"
#include "data/convert.h"
#include "learn/als.h"
#include "learn/factors.h"

namespace kith::learn {
namespace {

constexpr uint32_t kMostFactors = 4096;

Status CheckOptions(const FactorizeOptions& options) {
  if (options.factors == 0 || options.factors > kMostFactors) {
    return Status::InvalidArgument(
        StrCat("factors is ", options.factors, "; it must be from 1 to ", kMostFactors));
  }
  const std::pair<const char*, double> numbers[] = {{"regularization", options.regularization},
                                                    {"alpha", options.alpha},
                                                    {"learning_rate", options.learning_rate}};
  for (const auto& [name, value] : numbers) {
    if (std::isfinite(value) && value >= 0) continue;
    return Status::InvalidArgument(
        StrCat(name, " is ", value, "; it must be finite and not negative"));
  }
  if (options.cg_steps == 0) return Status::InvalidArgument("cg_steps is 0; 3 are usual");
  return Status::Ok();
}

Status CheckAls(const FactorizeOptions& options) {
  if (options.algorithm == FactorAlgorithm::kAls) return Status::Ok();
  return Status::Unsupported(
      "vectors of bpr have none for new users and no explanations; factorize by als");
}

// Vectors where the kernels want them.
Result<linalg::Matrix> Aligned(const MatrixView& vectors) {
  KITH_ASSIGN_OR_RETURN(linalg::Matrix m, linalg::Matrix::Create(vectors.rows, vectors.dim));
  for (size_t i = 0; i < vectors.rows; ++i) data::RowToF32(vectors, i, m.row(i));
  return m;
}

Status CheckColumns(const MatrixView& items, std::span<const uint32_t> columns) {
  for (const uint32_t column : columns) {
    if (column < items.rows) continue;
    return Status::InvalidArgument(StrCat("there is no item ", column, ": there are ", items.rows));
  }
  return Status::Ok();
}

}  // namespace

Result<linalg::Matrix> RandomRows(size_t rows, size_t cols, double deviation, uint64_t seed,
                                  uint64_t stream) {
  KITH_ASSIGN_OR_RETURN(linalg::Matrix m, linalg::Matrix::Create(rows, cols));
  for (size_t i = 0; i < rows; ++i) {
    Rng rng(Mix64(seed) + stream, i);
    for (size_t c = 0; c < cols; ++c) m.row(i)[c] = static_cast<float>(deviation * rng.Normal());
  }
  return m;
}

std::vector<float> Dense(const linalg::Matrix& m) {
  std::vector<float> out(m.rows * m.cols);
  for (size_t i = 0; i < m.rows; ++i) {
    std::copy(m.row(i), m.row(i) + m.cols, out.begin() + static_cast<ptrdiff_t>(i * m.cols));
  }
  return out;
}

double SquaredNorms(const linalg::Matrix& m) {
  double sum = 0;
  for (size_t i = 0; i < m.rows; ++i) {
    for (size_t c = 0; c < m.cols; ++c) {
      sum += static_cast<double>(m.row(i)[c]) * m.row(i)[c];
    }
  }
  return sum;
}

Status Diverged(const FactorizeOptions& options) {
  return Status::InvalidArgument(
      options.algorithm == FactorAlgorithm::kBpr
          ? "vectors grew beyond all bounds; lower the learning rate"
          : "vectors grew beyond all bounds; raise the regularization or lower alpha");
}

}  // namespace kith::learn

namespace kith {

FactorizeOptions Resolved(FactorizeOptions options) {
  const bool als = options.algorithm == FactorAlgorithm::kAls;
  if (options.regularization < 0) options.regularization = als ? 10 : 0.01;
  if (options.iterations == 0) options.iterations = als ? 15 : 100;
  return options;
}

Result<Factors> Factorize(const Interactions& interactions, const FactorizeOptions& given) {
  return AtEdge("", "ask for fewer factors", [&]() -> Result<Factors> {
    const FactorizeOptions options = Resolved(given);
    KITH_RETURN_IF_ERROR(learn::CheckOptions(options));
    if (interactions.size() == 0) {
      return Status::InvalidArgument("there are no pairs of users and items; give some");
    }
    ThreadPool pool(options.threads, options.stop);
    return options.algorithm == FactorAlgorithm::kAls
               ? learn::FactorizeAls(interactions, options, pool)
               : learn::FactorizeBpr(interactions, options, pool);
  });
}

Result<std::vector<float>> FoldIn(const MatrixView& items, const Interactions& interactions,
                                  const FactorizeOptions& given) {
  return AtEdge("", "fold in fewer users at a time", [&]() -> Result<std::vector<float>> {
    const FactorizeOptions options = Resolved(given);
    KITH_RETURN_IF_ERROR(learn::CheckOptions(options));
    KITH_RETURN_IF_ERROR(learn::CheckAls(options));
    KITH_RETURN_IF_ERROR(learn::CheckColumns(items, interactions.columns));
    ThreadPool pool(options.threads, options.stop);
    KITH_ASSIGN_OR_RETURN(const linalg::Matrix others, learn::Aligned(items));
    KITH_ASSIGN_OR_RETURN(const learn::RowSolver solver,
                          learn::RowSolver::Create(others, options.regularization, pool));
    KITH_ASSIGN_OR_RETURN(linalg::Matrix users,
                          linalg::Matrix::Create(interactions.num_users(), items.dim));
    double loss = 0;
    KITH_RETURN_IF_ERROR(learn::ImproveRows(solver, learn::TrustOf(interactions, options),
                                            learn::StepsToSolve(items.dim), pool, &users, &loss));
    return learn::Dense(users);
  });
}

Result<std::vector<Evidence>> Explain(const MatrixView& items, std::span<const uint32_t> known,
                                      std::span<const float> weights, uint32_t item,
                                      const FactorizeOptions& given) {
  return AtEdge("", "", [&]() -> Result<std::vector<Evidence>> {
    const FactorizeOptions options = Resolved(given);
    KITH_RETURN_IF_ERROR(learn::CheckOptions(options));
    KITH_RETURN_IF_ERROR(learn::CheckAls(options));
    KITH_RETURN_IF_ERROR(learn::CheckColumns(items, known));
    KITH_RETURN_IF_ERROR(learn::CheckColumns(items, {&item, 1}));
    if (known.size() != weights.size()) {
      return Status::InvalidArgument(StrCat("there are ", known.size(), " items, but ",
                                            weights.size(), " weights; give one for each"));
    }
    ThreadPool pool(options.threads, options.stop);
    KITH_ASSIGN_OR_RETURN(const linalg::Matrix others, learn::Aligned(items));
    KITH_ASSIGN_OR_RETURN(const learn::RowSolver solver,
                          learn::RowSolver::Create(others, options.regularization, pool));
    KITH_ASSIGN_OR_RETURN(learn::RowSolver::Scratch scratch, solver.NewScratch());
    std::vector<float> extra;
    for (const float weight : weights) extra.push_back(learn::ExtraOf(weight, options));
    // The score is y' x with x = W sum c_j y_j, W symmetric: the sum of c_j (W y)' y_j.
    KITH_ASSIGN_OR_RETURN(linalg::Matrix turned, linalg::Matrix::Create(1, items.dim));
    solver.Solve({known, extra}, others.row(item), turned.row(0), &scratch);
    std::vector<Evidence> evidence;
    for (size_t i = 0; i < known.size(); ++i) {
      double dot = 0;
      for (size_t c = 0; c < items.dim; ++c) {
        dot += static_cast<double>(turned.row(0)[c]) * others.row(known[i])[c];
      }
      evidence.push_back({known[i], (1.0 + extra[i]) * dot});
    }
    std::sort(evidence.begin(), evidence.end(), [](const Evidence& a, const Evidence& b) {
      return a.score != b.score ? a.score > b.score : a.item < b.item;
    });
    return evidence;
  });
}

}  // namespace kith
