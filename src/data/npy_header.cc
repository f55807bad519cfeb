#include "data/npy_header.h"

#include <cctype>
#include <cstring>
#include <string_view>

#include "base/strings.h"
#include "data/load.h"
#include "data/readers.h"
#include "data/text.h"

namespace kith::data {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kVersionBytes = 2;
constexpr size_t kMaxHeader = size_t{1} << 20;  // NumPy's own are below 200 bytes
constexpr size_t kMaxAxes = 32;                 // NumPy's limit

// Reads the dictionary from left to right. Every method returns false where it does not find what
// it looks for; position() then says where that was.
class DictParser {
 public:
  explicit DictParser(std::string_view text) : text_(text) {}

  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeString(std::string_view* out) {
    SkipSpace();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return false;
    const size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return false;
    *out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }
  bool TakeBool(bool* out) {
    SkipSpace();
    for (bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_).starts_with(word)) {
        *out = value;
        at_ += word.size();
        return true;
      }
    }
    return false;
  }
  bool TakeNumber(uint64_t* out) {
    SkipSpace();
    size_t end = at_;
    while (end < text_.size() && std::isdigit(static_cast<unsigned char>(text_[end]))) ++end;
    if (!ParseCount(text_.substr(at_, end - at_), out)) return false;
    at_ = end;
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers so
    return true;
  }
  bool TakeShape(std::vector<uint64_t>* out) {
    if (!Take('(')) return false;
    while (!Take(')')) {
      uint64_t length = 0;
      if (out->size() == kMaxAxes || !TakeNumber(&length)) return false;
      out->push_back(length);
      if (!Take(',')) return Take(')');
    }
    return true;
  }
  bool AtEnd() {
    SkipSpace();
    return at_ == text_.size();
  }
  bool Sees(char c) {
    SkipSpace();
    return at_ < text_.size() && text_[at_] == c;
  }
  size_t position() const { return at_; }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  std::string_view text_;
  size_t at_ = 0;
};

// Understands a type such as "<f4". Errors: Unsupported.
Status ParseDescr(const std::string& path, std::string_view descr, NpyHeader* header) {
  const auto fits = [&](std::string_view sizes) {
    return descr.size() == 3 && sizes.find(descr[2]) != std::string_view::npos;
  };
  const char order = descr.empty() ? 0 : descr[0];
  header->kind = descr.size() < 2 ? '\0' : descr[1];
  const bool known = (header->kind == 'f' && fits("248")) || (header->kind == 'b' && fits("1")) ||
                     ((header->kind == 'i' || header->kind == 'u') && fits("1248"));
  if (!known || (order != '<' && order != '>' && order != '|' && order != '=')) {
    return Status::Unsupported(StrCat(path, ": elements of type ", Quoted(descr),
                                      "; kith reads f2, f4, f8, integers and bool, convert with "
                                      "astype('float32')"));
  }
  header->item_bytes = static_cast<size_t>(descr[2] - '0');
  header->big_endian = order == '>';
  return Status::Ok();
}

Status ParseDict(const Input& input, size_t begin, size_t length, NpyHeader* header) {
  const auto* chars = reinterpret_cast<const char*>(input.bytes.data() + begin);
  DictParser parser(std::string_view(chars, length));
  const auto unexpected = [&](std::string_view what) {
    return AtByte(input.path, begin + parser.position(),
                  StrCat("expected ", what, " in the npy header"));
  };
  bool has_descr = false, has_order = false, has_shape = false;
  if (!parser.Take('{')) return unexpected("'{'");
  while (!parser.Take('}')) {
    std::string_view key;
    if (!parser.TakeString(&key) || !parser.Take(':')) return unexpected("a key and ':'");
    if (key == "descr" && !has_descr) {
      if (parser.Sees('[')) {
        return Status::Unsupported(StrCat(input.path,
                                          ": elements are records; kith reads plain "
                                          "numbers, select one field"));
      }
      std::string_view descr;
      if (!parser.TakeString(&descr)) return unexpected("the type of 'descr'");
      KITH_RETURN_IF_ERROR(ParseDescr(input.path, descr, header));
      has_descr = true;
    } else if (key == "fortran_order" && !has_order) {
      has_order = parser.TakeBool(&header->fortran_order);
      if (!has_order) return unexpected("True or False");
    } else if (key == "shape" && !has_shape) {
      has_shape = parser.TakeShape(&header->shape);
      if (!has_shape) return unexpected("a tuple of lengths");
    } else {
      return unexpected("each of 'descr', 'fortran_order', 'shape' once");
    }
    if (!parser.Take(',') && !parser.Sees('}')) return unexpected("',' or '}'");
  }
  if (!has_descr || !has_order || !has_shape || !parser.AtEnd()) {
    return unexpected("'descr', 'fortran_order', 'shape' and no more");
  }
  return Status::Ok();
}

// The bytes of all items, or nullopt beyond what any file has.
bool DataBytes(const NpyHeader& header, uint64_t* bytes) {
  *bytes = header.item_bytes;
  for (uint64_t length : header.shape) {
    if (__builtin_mul_overflow(*bytes, length, bytes)) return false;
  }
  return *bytes <= uint64_t{1} << 60;
}

}  // namespace

Result<NpyHeader> ParseNpyHeader(const Input& input) {
  const std::span<const std::byte> bytes = input.bytes;
  const size_t fixed = kMagic.size() + kVersionBytes;
  if (bytes.size() < fixed || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return AtByte(input.path, 0, "expected the magic number of npy, \\x93NUMPY");
  }
  const int version = std::to_integer<int>(bytes[kMagic.size()]);
  if (version < 1 || version > 3) {
    return Status::Unsupported(
        StrCat(input.path, ": npy version ", version, "; kith reads versions 1 to 3"));
  }
  const size_t length_bytes = version == 1 ? sizeof(uint16_t) : sizeof(uint32_t);
  const size_t begin = fixed + length_bytes;
  if (bytes.size() < begin) {
    return AtByte(input.path, fixed, "expected the length of the header, got the end of the file");
  }
  const size_t length =
      version == 1 ? Load<uint16_t>(bytes.data() + fixed) : Load<uint32_t>(bytes.data() + fixed);
  if (length > bytes.size() - begin || length > kMaxHeader) {
    return AtByte(input.path, fixed,
                  StrCat("expected a header within the file's ", bytes.size(),
                         " bytes, got one of ", length, " bytes"));
  }
  NpyHeader header;
  header.data_offset = begin + length;
  KITH_RETURN_IF_ERROR(ParseDict(input, begin, length, &header));
  uint64_t data_bytes = 0;
  if (!DataBytes(header, &data_bytes)) {
    return AtByte(input.path, begin, "expected a shape that fits the file, got a far larger one");
  }
  KITH_RETURN_IF_ERROR(CheckSize(input.path, header.data_offset + data_bytes, bytes.size()));
  return header;
}

std::string MakeNpyHeader(const std::string& descr, std::span<const uint64_t> shape) {
  std::string dict = StrCat("{'descr': '", descr, "', 'fortran_order': False, 'shape': (");
  // Python's tuples: (), (5,), (5, 3).
  for (size_t i = 0; i < shape.size(); ++i) dict += StrCat(i == 0 ? "" : " ", shape[i], ",");
  if (shape.size() > 1) dict.pop_back();
  dict += "), }";
  // The data begins at a multiple of 64 bytes, as NumPy has it, so that a mapping is aligned.
  constexpr size_t kAlignment = 64;
  const size_t before = kMagic.size() + kVersionBytes + sizeof(uint16_t);
  while ((before + dict.size() + 1) % kAlignment != 0) dict += ' ';
  dict += '\n';
  std::string header(kMagic);
  header += '\x01';
  header += '\x00';
  header += static_cast<char>(dict.size() & 0xFF);
  header += static_cast<char>(dict.size() >> 8);
  return header + dict;
}

}  // namespace kith::data
