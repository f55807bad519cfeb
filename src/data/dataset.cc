// Choosing the reader or writer of a file.
#include "kith/dataset.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/edge.h"
#include "base/file.h"
#include "base/strings.h"
#include "data/convert.h"
#include "data/elements.h"
#include "data/fasttext.h"
#include "data/formats.h"
#include "data/growing_buffer.h"
#include "data/read_input.h"
#include "data/readers.h"
#include "data/text.h"
#include "data/writers.h"

namespace kith::data {
namespace {

// What to do about a file that does not fit memory.
constexpr char kFewerRows[] = "read fewer rows, or close other programs";

Result<Input> OpenInput(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  return Input{path, file->bytes(), file};
}

Result<Dataset> ReadStream(const Input& input, Format format, const ReadOptions& options) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<ByteStream> stream, ByteStream::Create(input));
  switch (format) {
    case Format::kWord2vecBinary: return ReadWord2vecBinary(stream.get(), options);
    case Format::kWord2vecText: return ReadWord2vecText(stream.get(), options);
    case Format::kGlove: return ReadGlove(stream.get(), options);
    default: return ReadCsv(stream.get(), options);
  }
}

Result<Dataset> ReadLayout(const Input& input, Format format, const ReadOptions& options) {
  switch (format) {
    case Format::kFvecs: return ReadVecs(input, Element::kF32, options);
    case Format::kBvecs: return ReadVecs(input, Element::kU8, options);
    case Format::kIvecs: return ReadVecs(input, Element::kI32, options);
    case Format::kFbin: return ReadBin(input, Element::kF32, options);
    case Format::kU8bin: return ReadBin(input, Element::kU8, options);
    case Format::kI8bin: return ReadBin(input, Element::kI8, options);
    case Format::kIbin: return ReadBin(input, Element::kI32, options);
    case Format::kNpy: return ReadNpy(input, options);
    case Format::kHdf5: return ReadHdf5(input, options);
    case Format::kIdx: return ReadIdx(input, options);
    case Format::kFastText: return ReadFastText(input, options);
    default: return ReadStream(input, format, options);
  }
}

// Finds the format of an unpacked or packed file, by content where the options do not name it, and
// reads it.
Result<Dataset> ReadAnyFormat(const Input& input, const ReadOptions& options) {
  std::optional<Format> format;
  if (!options.format.empty()) {
    KITH_ASSIGN_OR_RETURN(format, ParseFormat(options.format));
  } else {
    KITH_ASSIGN_OR_RETURN(const std::unique_ptr<ByteStream> stream, ByteStream::Create(input));
    KITH_ASSIGN_OR_RETURN(std::span<const std::byte> head, stream->Peek(kSniffBytes));
    head = head.first(std::min(head.size(), kSniffBytes));
    if (head.empty()) return AtByte(input.path, 0, "expected vectors, got an empty file");
    format = FindStreamFormat(input.path, head);
  }
  Input unpacked = input;
  const bool whole = !format || !IsStreamFormat(*format);
  if (whole && IsGzip(input.bytes)) {
    KITH_ASSIGN_OR_RETURN(unpacked, Gunzip(input));
  }
  if (!format) {
    KITH_ASSIGN_OR_RETURN(format, FindLayout(unpacked));
  }
  KITH_ASSIGN_OR_RETURN(Dataset set, ReadLayout(unpacked, *format, options));
  set.format = FormatName(*format);
  return set;
}

Result<StringList> LabelsOf(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(Input input, OpenInput(path));
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<ByteStream> stream, ByteStream::Create(input));
  KITH_ASSIGN_OR_RETURN(const std::span<const std::byte> head, stream->Peek(2));
  // Only idx begins with two zeros.
  if (head.size() < 2 || head[0] != std::byte{0} || head[1] != std::byte{0}) {
    return ReadTextLabels(stream.get());
  }
  if (stream->packed()) {
    KITH_ASSIGN_OR_RETURN(input, Gunzip(input));
  }
  return ReadIdxLabels(input);
}

// The labels that lie beside MNIST's images under its names: "train-images-idx3-ubyte.gz" and
// "train-labels-idx1-ubyte.gz", either packed or not. Empty if there are none.
std::string FindLabelsBeside(const std::string& path) {
  constexpr std::string_view kImages = "images-idx3-ubyte";
  const size_t at = path.rfind(kImages);
  if (at == std::string::npos || path.find('/', at) != std::string::npos) return "";
  std::string labels = path;
  labels.replace(at, kImages.size(), "labels-idx1-ubyte");
  std::string other =
      labels.ends_with(".gz") ? labels.substr(0, labels.size() - 3) : labels + ".gz";
  for (const std::string& candidate : {labels, other}) {
    struct stat info = {};
    if (stat(candidate.c_str(), &info) == 0) return candidate;
  }
  return "";
}

Status AddLabels(const std::string& path, const std::string& labels_path,
                 const ReadOptions& options, Dataset* set) {
  KITH_ASSIGN_OR_RETURN(StringList labels, LabelsOf(labels_path));
  const size_t rows = set->vectors.rows;
  // With max_rows, the labels may be those of the whole file.
  const bool cut = options.max_rows != 0 && rows == options.max_rows && labels.size() > rows;
  if (labels.size() != rows && !cut) {
    return Status::InvalidArgument(StrCat(labels_path, ": expected ", rows,
                                          " labels, one for each row of ", path, ", got ",
                                          labels.size()));
  }
  set->keys = std::move(labels);
  if (cut) {
    StringList first;
    for (size_t i = 0; i < rows; ++i) first.Add(set->keys[i]);
    set->keys = std::move(first);
  }
  return Status::Ok();
}

Result<GroundTruth> ReadTruth(Input input) {
  if (IsGzip(input.bytes)) {
    KITH_ASSIGN_OR_RETURN(input, Gunzip(input));
  }
  if (input.bytes.empty()) return AtByte(input.path, 0, "expected ground truth, got an empty file");
  KITH_ASSIGN_OR_RETURN(const Format format, FindTruthLayout(input));
  switch (format) {
    case Format::kNpy: return ReadNpyTruth(input);
    case Format::kHdf5: return ReadHdf5Truth(input);
    case Format::kIvecs: return ReadVecsTruth(input);
    default: return ReadBinTruth(input);
  }
}

// `expected` are the extensions that may be meant.
Result<Format> FormatToWrite(const std::string& path, const std::string& name,
                             std::string_view expected) {
  if (path.ends_with(".gz")) {
    return Status::InvalidArgument(
        StrCat(path, ": kith reads .gz but does not write it; leave out .gz and run gzip after"));
  }
  if (!name.empty()) {
    KITH_ASSIGN_OR_RETURN(const Format format, ParseFormat(name));
    if (!IsReadOnly(format)) return format;
    return Status::Unsupported(
        StrCat(path, ": kith reads ", name, " but does not write it; write word2vec-bin"));
  }
  if (const std::optional<Format> format = FormatOfExtension(path)) return *format;
  return Status::InvalidArgument(
      StrCat(path, ": expected an extension that says the format, ", expected));
}

Status WriteAs(Format format, const std::string& path, const MatrixView& vectors,
               const StringList& keys, AtomicFile* file) {
  switch (format) {
    case Format::kFvecs: return WriteVecs(vectors, Element::kF32, file);
    case Format::kBvecs: return WriteVecs(vectors, Element::kU8, file);
    case Format::kIvecs: return WriteVecs(vectors, Element::kI32, file);
    case Format::kFbin: return WriteBin(vectors, Element::kF32, file);
    case Format::kU8bin: return WriteBin(vectors, Element::kU8, file);
    case Format::kI8bin: return WriteBin(vectors, Element::kI8, file);
    case Format::kIbin: return WriteBin(vectors, Element::kI32, file);
    case Format::kNpy: return WriteNpy(vectors, file);
    case Format::kHdf5: return WriteHdf5(vectors, file);
    case Format::kIdx: return WriteIdx(vectors, file);
    case Format::kFastText: break;  // FormatToWrite() has refused it
    case Format::kWord2vecBinary: return WriteWord2vecBinary(vectors, keys, file);
    case Format::kWord2vecText: return WriteWord2vecText(vectors, keys, file);
    case Format::kGlove: return WriteGlove(vectors, keys, file);
    case Format::kCsv: return WriteCsv(vectors, keys, path.ends_with(".tsv") ? '\t' : ',', file);
  }
  return Status::Internal("unknown format");
}

Status CheckKeys(const std::string& path, Format format, size_t rows, size_t keys) {
  if (keys != 0 && keys != rows) {
    return Status::InvalidArgument(
        StrCat(path, ": expected ", rows, " keys, one for each row, got ", keys));
  }
  if (keys != 0 && !TakesKeys(format)) {
    return Status::InvalidArgument(StrCat(path, ": ", FormatName(format),
                                          " has no place for keys; write csv or a word format, or "
                                          "leave the keys out"));
  }
  if (keys == 0 && NeedsKeys(format)) {
    return Status::InvalidArgument(StrCat(path, ": ", FormatName(format),
                                          " needs a word for each row, got none; give keys or "
                                          "write csv"));
  }
  return Status::Ok();
}

// The writers know rows and columns, not the file; the errors of the file itself name it.
Status NamingFile(const std::string& path, const Status& status) {
  if (status.ok() || status.code() == StatusCode::kIoError) return status;
  return Status(status.code(), StrCat(path, ": ", status.message()));
}

}  // namespace

Result<Dataset> ReadInput(const Input& input, const ReadOptions& options) {
  return AtEdge(input.path, kFewerRows, [&] { return ReadAnyFormat(input, options); });
}

Result<GroundTruth> ReadTruthInput(const Input& input) {
  return AtEdge(input.path, kFewerRows, [&] { return ReadTruth(input); });
}

namespace {

// Reads what was opened, with labels.
Result<Dataset> ReadOpened(const Input& input, const ReadOptions& options) {
  const std::string& path = input.path;
  KITH_ASSIGN_OR_RETURN(Dataset set, ReadInput(input, options));
  if (set.format != FormatName(Format::kCsv) &&
      !(options.columns.empty() && options.key_column.empty())) {
    return Status::InvalidArgument(
        StrCat(path, ": only csv files have columns to choose, and this is ", set.format));
  }
  if (set.format != FormatName(Format::kHdf5) && !options.dataset.empty()) {
    return Status::InvalidArgument(
        StrCat(path, ": only hdf5 files have datasets to choose, and this is ", set.format));
  }
  std::string labels = options.labels_path;
  if (labels.empty() && set.format == FormatName(Format::kIdx)) labels = FindLabelsBeside(path);
  if (!labels.empty()) {
    KITH_RETURN_IF_ERROR(
        AtEdge(labels, kFewerRows, [&] { return AddLabels(path, labels, options, &set); }));
  }
  return set;
}

// All of standard input. A file that is redirected to it is not mapped: it is read like a pipe.
Result<Input> DrainStandardInput() {
  constexpr size_t kStep = size_t{1} << 20;
  const std::string name = "standard input";
  auto buffer = std::make_shared<GrowingBuffer>(name);
  size_t size = 0;
  while (true) {
    if (buffer->size() - size < kStep) KITH_RETURN_IF_ERROR(buffer->Extend(kStep).status());
    const ssize_t got = read(STDIN_FILENO, buffer->data() + size, buffer->size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Status::IoError(
          StrCat(name, ": cannot be read: ", std::generic_category().message(errno)));
    }
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  return Input{name, {buffer->data(), size}, buffer};
}

Status WriteTruth(const std::string& path, const GroundTruth& truth) {
  KITH_ASSIGN_OR_RETURN(const Format format, FormatToWrite(path, "", ".ivecs, .ibin or .npy"));
  if (format != Format::kIvecs && format != Format::kIbin && format != Format::kNpy) {
    return Status::InvalidArgument(StrCat(
        path, ": ground truth is written as .ivecs, .ibin or .npy, got ", FormatName(format)));
  }
  KITH_RETURN_IF_ERROR(CheckShape(path, truth.num_queries, truth.k));
  const size_t values = truth.num_queries * truth.k;
  if (truth.ids.size() != values ||
      (!truth.distances.empty() && truth.distances.size() != values)) {
    return Status::InvalidArgument(StrCat(path, ": expected ", values, " ids, got ",
                                          truth.ids.size(), ", and as many distances or none, got ",
                                          truth.distances.size()));
  }
  for (size_t i = 0; i < values; ++i) {
    KITH_RETURN_IF_ERROR(CheckId(path, truth.ids[i], i / truth.k, i % truth.k));
    if (format != Format::kNpy && truth.ids[i] > INT32_MAX) {
      return Status::InvalidArgument(StrCat(path, ": id ", truth.ids[i], " of query ", i / truth.k,
                                            " is beyond 32 bits; write .npy"));
    }
  }
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
  KITH_RETURN_IF_ERROR(format == Format::kNpy     ? WriteNpyTruth(truth, file.get())
                       : format == Format::kIvecs ? WriteVecsTruth(truth, file.get())
                                                  : WriteBinTruth(truth, file.get()));
  return file->Commit();
}

// Of vectors of float32, whether they need not all be there at once.
bool WritesBlocks(Format format) {
  return format == Format::kFvecs || format == Format::kFbin || format == Format::kNpy;
}

Result<Format> FormatOfVectors(const std::string& path, const std::string& format_name, size_t rows,
                               size_t dim, size_t keys) {
  KITH_ASSIGN_OR_RETURN(
      const Format format,
      FormatToWrite(path, format_name, "such as .fvecs, .npy or .csv; or name the format"));
  KITH_RETURN_IF_ERROR(CheckShape(path, rows, dim));
  KITH_RETURN_IF_ERROR(CheckKeys(path, format, rows, keys));
  return format;
}

Status WriteFile(const std::string& path, Format format, const MatrixView& vectors,
                 const StringList& keys, AtomicFile* file) {
  if (IsStreamFormat(format) && format != Format::kWord2vecBinary) {
    ThreadPool pool;
    KITH_RETURN_IF_ERROR(
        NamingFile(path, CheckFinite(vectors, pool)));  // text has no NaN to read back
  }
  KITH_RETURN_IF_ERROR(NamingFile(path, WriteAs(format, path, vectors, keys, file)));
  return file->Commit();
}

Status WriteInBlocks(const std::string& path, const std::string& format_name, size_t rows,
                     size_t dim, const StringList& keys, const VectorSource& source) {
  constexpr size_t kBlockFloats = size_t{4} << 20;
  KITH_ASSIGN_OR_RETURN(const Format format,
                        FormatOfVectors(path, format_name, rows, dim, keys.size()));
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
  const size_t at_once =
      WritesBlocks(format) ? std::min(rows, std::max<size_t>(kBlockFloats / dim, 1)) : rows;
  KITH_ASSIGN_OR_RETURN(auto block, AlignedBuffer<float>::Create(at_once * dim));
  if (!WritesBlocks(format)) {
    KITH_RETURN_IF_ERROR(source(0, rows, block.data()));
    return WriteFile(path, format, ViewOf(block.data(), rows, dim), keys, file.get());
  }
  if (format == Format::kFbin) KITH_RETURN_IF_ERROR(WriteBinHeader(rows, dim, file.get()));
  if (format == Format::kNpy) {
    KITH_RETURN_IF_ERROR(WriteNpyHeader(DataType::kF32, rows, dim, file.get()));
  }
  for (size_t begin = 0; begin < rows; begin += at_once) {
    const size_t end = std::min(begin + at_once, rows);
    KITH_RETURN_IF_ERROR(source(begin, end, block.data()));
    const MatrixView view = ViewOf(block.data(), end - begin, dim);
    KITH_RETURN_IF_ERROR(NamingFile(path, format == Format::kNpy ? WriteNpyRows(view, file.get())
                                          : format == Format::kFvecs
                                              ? WriteVecs(view, Element::kF32, file.get())
                                              : WriteBinRows(view, Element::kF32, file.get())));
  }
  return file->Commit();
}

}  // namespace

Result<Dataset> ReadStandardInput(const ReadOptions& options) {
  return AtEdge("standard input", kFewerRows, [&]() -> Result<Dataset> {
    KITH_ASSIGN_OR_RETURN(const Input input, DrainStandardInput());
    return ReadOpened(input, options);
  });
}

}  // namespace kith::data

namespace kith {

std::vector<std::string> DatasetFormats() {
  std::vector<std::string> names;
  names.reserve(data::kNumFormats);
  for (int i = 0; i < data::kNumFormats; ++i)
    names.push_back(data::FormatName(static_cast<data::Format>(i)));
  return names;
}

Result<Dataset> ReadDataset(const std::string& path, const ReadOptions& options) {
  return AtEdge(path, data::kFewerRows, [&]() -> Result<Dataset> {
    KITH_ASSIGN_OR_RETURN(const data::Input input, data::OpenInput(path));
    return data::ReadOpened(input, options);
  });
}

Result<StringList> ReadLabels(const std::string& path) {
  return AtEdge(path, "", [&] { return data::LabelsOf(path); });
}

Result<GroundTruth> ReadGroundTruth(const std::string& path) {
  return AtEdge(path, data::kFewerRows, [&]() -> Result<GroundTruth> {
    KITH_ASSIGN_OR_RETURN(const data::Input input, data::OpenInput(path));
    return data::ReadTruth(input);
  });
}

Status WriteGroundTruth(const std::string& path, const GroundTruth& truth) {
  return AtEdge(path, {}, [&] { return data::WriteTruth(path, truth); });
}

Status WriteDataset(const std::string& path, const std::string& format, const MatrixView& vectors,
                    const StringList& keys) {
  return AtEdge(path, {}, [&]() -> Status {
    KITH_ASSIGN_OR_RETURN(
        const data::Format found,
        data::FormatOfVectors(path, format, vectors.rows, vectors.dim, keys.size()));
    KITH_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
    return data::WriteFile(path, found, vectors, keys, file.get());
  });
}

Status WriteDatasetInBlocks(const std::string& path, const std::string& format, size_t rows,
                            size_t dim, const StringList& keys, const VectorSource& source) {
  return AtEdge(path, "write .npy, .fvecs or .fbin, which need no more than a block of them",
                [&] { return data::WriteInBlocks(path, format, rows, dim, keys, source); });
}

}  // namespace kith
