// Reading from memory, or from standard input, what ReadDataset() and ReadGroundTruth() read from
// files; for the front ends, and for the tests and fuzzers, which have no file.
#ifndef KITH_DATA_READ_INPUT_H_
#define KITH_DATA_READ_INPUT_H_

#include "data/byte_stream.h"
#include "kith/dataset.h"
#include "kith/status.h"

namespace kith::data {

// As ReadDataset(), but without labels. The result may view input.bytes.
Result<Dataset> ReadInput(const Input& input, const ReadOptions& options);

// As ReadDataset(), of all that comes from standard input until it ends, which is kept in memory.
// Errors: those too of reading it.
Result<Dataset> ReadStandardInput(const ReadOptions& options);

// As ReadGroundTruth().
Result<GroundTruth> ReadTruthInput(const Input& input);

}  // namespace kith::data

#endif  // KITH_DATA_READ_INPUT_H_
