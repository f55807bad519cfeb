#include "data/readers.h"

#include "base/strings.h"
#include "data/text.h"

namespace kith::data {

Status CheckShape(const std::string& path, uint64_t rows, uint64_t dim) {
  if (rows == 0) {
    return Status::InvalidArgument(StrCat(path, ": expected at least one vector, got none"));
  }
  if (dim == 0 || dim > kMaxDim) {
    return Status::InvalidArgument(
        StrCat(path, ": expected vectors of 1 to ", kMaxDim, " coordinates, got ", dim));
  }
  if (rows > kMaxRows) {
    return Status::InvalidArgument(StrCat(path, ": expected at most ", kMaxRows,
                                          " vectors in one file, got ", rows,
                                          "; split it or read fewer rows"));
  }
  return Status::Ok();
}

Status CheckSize(const std::string& path, uint64_t expected, uint64_t got) {
  if (expected == got) return Status::Ok();
  return Status::InvalidArgument(
      StrCat(path, ": byte ", expected < got ? expected : got, ": expected a file of ", expected,
             " bytes by its header, got ", got,
             got < expected ? "; it is truncated, fetch it again" : "; bytes follow its end"));
}

Status AtByte(const std::string& path, uint64_t offset, std::string_view message) {
  return Status::InvalidArgument(StrCat(path, ": byte ", offset, ": ", message));
}

Result<StringList> ReadTextLabels(ByteStream* stream) {
  const Progress none;
  LineReader lines(stream, none);
  StringList labels;
  std::string_view line;
  while (true) {
    KITH_ASSIGN_OR_RETURN(const bool more, lines.Next(&line));
    if (!more) return labels;
    labels.Add(line);
  }
}

}  // namespace kith::data
