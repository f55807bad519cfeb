// The writers of each format, for dataset.cc. All append to a file the caller commits; their errors
// name the row and column, the file's name is the caller's to add.
//
// REQUIRES of all: at least one row; keys empty or one for each row.
#ifndef KITH_DATA_WRITERS_H_
#define KITH_DATA_WRITERS_H_

#include <cstddef>
#include <span>

#include "base/file.h"
#include "data/readers.h"
#include "kith/dataset.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::data {

Status WriteVecs(const MatrixView& vectors, Element element, AtomicFile* file);
Status WriteBin(const MatrixView& vectors, Element element, AtomicFile* file);
Status WriteNpy(const MatrixView& vectors, AtomicFile* file);  // bf16 as f4, bit as bool
// The parts of these, for vectors that are not there all at once; fvecs are but rows.
Status WriteBinHeader(size_t rows, size_t dim, AtomicFile* file);
Status WriteBinRows(const MatrixView& vectors, Element element, AtomicFile* file);
Status WriteNpyHeader(DataType dtype, size_t rows, size_t dim, AtomicFile* file);
Status WriteNpyRows(const MatrixView& vectors, AtomicFile* file);
Status WriteIdx(const MatrixView& vectors, AtomicFile* file);
Status WriteHdf5(const MatrixView& vectors,
                 AtomicFile* file);  // "train"; halves as f4, bit as bool

// A word for each row is needed.
Status WriteWord2vecBinary(const MatrixView& vectors, const StringList& keys, AtomicFile* file);
Status WriteWord2vecText(const MatrixView& vectors, const StringList& keys, AtomicFile* file);
Status WriteGlove(const MatrixView& vectors, const StringList& keys, AtomicFile* file);
// With keys, a header line marks the first column as theirs.
Status WriteCsv(const MatrixView& vectors, const StringList& keys, char separator,
                AtomicFile* file);

// REQUIRES: sizes as GroundTruth has them; ids from -1 up, below 2^31 in vecs and bin. Only bin
// keeps the distances.
Status WriteVecsTruth(const GroundTruth& truth, AtomicFile* file);
Status WriteBinTruth(const GroundTruth& truth, AtomicFile* file);
Status WriteNpyTruth(const GroundTruth& truth, AtomicFile* file);

}  // namespace kith::data

#endif  // KITH_DATA_WRITERS_H_
