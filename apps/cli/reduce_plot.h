// What is left of neighbours and variance by dimension, as a picture.
#ifndef KITH_APPS_CLI_REDUCE_PLOT_H_
#define KITH_APPS_CLI_REDUCE_PLOT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "gnuplot.h"
#include "kith/reduce.h"

namespace kith::apps::cli {

// gnuplot's script: shares from 0 to 1 over a logarithmic axis of dimensions; a curve of recall@k,
// one of recall with `rerank` candidates compared again, and one of the variance where it is known.
// REQUIRES: a point.
std::string ReducePlotScript(const std::string& terminal, const PlotText& text,
                             const std::vector<ReducePoint>& points, size_t k, size_t rerank);

// The height in pixels of its picture.
int ReducePlotHeight();

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_REDUCE_PLOT_H_
