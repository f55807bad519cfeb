// What a sample of measurements says, and how far it can be trusted.
#ifndef KITH_EVAL_STATISTICS_H_
#define KITH_EVAL_STATISTICS_H_

#include <cstddef>
#include <vector>

#include "kith/eval.h"

namespace kith::eval {

// Of the neighbours that one query has, how many were found.
struct QueryRecall {
  size_t found = 0;
  size_t wanted = 0;  // 0: the query has none, and does not count
};

// All found over all wanted; 1 if nothing is wanted.
double MeanRecall(const std::vector<QueryRecall>& queries);

// 95 % confidence interval of MeanRecall as of queries to come. It is Wilson's score interval (JASA
// 22, 1927) with a number of trials chosen so that its variance is the one between the queries,
// whose neighbours are found or missed together (a design effect; Kish, Survey Sampling, 1965).
// That variance counts one query more than there are, of which any recall is as likely as any
// other: so n queries without a miss prove about 1 - 2.6 / n, not 1. Where misses are few queries
// that lose everything, which a sample may well not have, it covers 90 %. [0, 1] if no query
// counts.
Interval RecallInterval(const std::vector<QueryRecall>& queries);

// Of the queries that count, the recall that 95 % of them reach or exceed; 1 if none counts.
double RecallP5(const std::vector<QueryRecall>& queries);

// Mean recall of the tenth of the queries with the lowest, at least one; 1 if none counts.
double WorstDecileRecall(const std::vector<QueryRecall>& queries);

// The smallest value that at least `share` of the values do not exceed.
// REQUIRES: values ascending and not empty; 0 <= share <= 1.
double Percentile(const std::vector<double>& ascending, double share);

// The middle value, or the mean of the two. REQUIRES: not empty.
double Median(std::vector<double> values);

// The two order statistics between which the median of what the values are drawn from lies with
// 95 % confidence or a little more, whatever its distribution. Fewer than six values can't tell:
// [0, inf].
Interval MedianInterval(std::vector<double> values);

}  // namespace kith::eval

#endif  // KITH_EVAL_STATISTICS_H_
