#include "data/hdf5_messages.h"

#include <cstring>
#include <utility>

#include "base/strings.h"

namespace kith::data {
namespace {

constexpr size_t kMaxAxes = 32;     // as the library has it
constexpr size_t kMaxFilters = 32;  // likewise

Status Damaged(std::string_view what) { return Status::Corruption(StrCat("expected ", what)); }

uint64_t RoundUpTo8(uint64_t n) { return (n + 7) & ~uint64_t{7}; }

// Whether the fields of a floating-point type are those of IEEE 754's binary16, 32 or 64.
bool IsIeee(Hdf5Cursor* properties, size_t bytes, uint64_t bits) {
  struct Fields {
    size_t bytes;
    uint64_t exponent_at, exponent_bits, mantissa_bits, bias;
  };
  constexpr Fields kKnown[] = {{2, 10, 5, 10, 15}, {4, 23, 8, 23, 127}, {8, 52, 11, 52, 1023}};
  const uint64_t offset = properties->Take(2);
  const uint64_t precision = properties->Take(2);
  const uint64_t exponent_at = properties->Take(1);
  const uint64_t exponent_bits = properties->Take(1);
  const uint64_t mantissa_at = properties->Take(1);
  const uint64_t mantissa_bits = properties->Take(1);
  const uint64_t bias = properties->Take(4);
  const bool implied_one = (bits >> 4 & 3) == 2;
  const bool vax = (bits >> 6 & 1) != 0;
  const uint64_t sign_at = bits >> 8 & 0xFF;
  return std::any_of(std::begin(kKnown), std::end(kKnown), [&](const Fields& f) {
    return f.bytes == bytes && offset == 0 && precision == 8 * bytes && mantissa_at == 0 &&
           exponent_at == f.exponent_at && exponent_bits == f.exponent_bits &&
           mantissa_bits == f.mantissa_bits && bias == f.bias && implied_one && !vax &&
           sign_at == 8 * bytes - 1;
  });
}

bool IsWholeInteger(Hdf5Cursor* properties, size_t bytes) {
  const uint64_t offset = properties->Take(2);
  const uint64_t precision = properties->Take(2);
  return offset == 0 && precision == 8 * bytes &&
         (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
}

// Layouts of version 4, which only files made with `libver='latest'` have.
Status ParseNewChunks(Hdf5Cursor* cursor, Hdf5Layout* layout) {
  const uint64_t flags = cursor->Take(1);
  const uint64_t axes = cursor->Take(1);
  const uint64_t length_bytes = cursor->Take(1);
  if (axes < 2 || axes > kMaxAxes + 1 || length_bytes < 1 || length_bytes > 8) {
    return Damaged("the shape of chunks");
  }
  for (uint64_t i = 0; i + 1 < axes; ++i) {
    layout->chunk_shape.push_back(cursor->Take(length_bytes));
  }
  layout->chunk_element_bytes = cursor->Take(length_bytes);
  const uint64_t index = cursor->Take(1);
  if (index == 1) {
    layout->chunks = Hdf5Layout::Chunks::kSingle;
    if ((flags & 2) != 0) {
      layout->single_bytes = cursor->TakeWord();
      layout->single_mask = static_cast<uint32_t>(cursor->Take(4));
    }
  } else if (index == 2) {
    layout->chunks = Hdf5Layout::Chunks::kImplicit;
  } else {
    return Status::Unsupported(StrCat("chunks with an index of kind ", index));
  }
  layout->address = cursor->TakeWord();
  return Status::Ok();
}

Status ParseOldChunks(Hdf5Cursor* cursor, Hdf5Layout* layout) {
  const uint64_t axes = cursor->Take(1);
  layout->chunks = Hdf5Layout::Chunks::kTree;
  layout->address = cursor->TakeWord();
  if (axes < 2 || axes > kMaxAxes + 1) return Damaged("the shape of chunks");
  for (uint64_t i = 0; i + 1 < axes; ++i) layout->chunk_shape.push_back(cursor->Take(4));
  layout->chunk_element_bytes = cursor->Take(4);
  return Status::Ok();
}

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Without the zero byte that may end it.
std::string_view UntilZero(std::string_view text) { return text.substr(0, text.find('\0')); }

}  // namespace

uint64_t Hdf5Cursor::Take(size_t bytes) {
  const std::span<const std::byte> taken = TakeBytes(bytes);
  uint64_t value = 0;
  if (ok_) std::memcpy(&value, taken.data(), taken.size());  // this machine is little-endian
  return value;
}

std::span<const std::byte> Hdf5Cursor::TakeBytes(uint64_t count) {
  ok_ = ok_ && count <= bytes_.size();
  const std::span<const std::byte> taken =
      bytes_.first(static_cast<size_t>(std::min<uint64_t>(count, bytes_.size())));
  bytes_ = bytes_.subspan(taken.size());
  return taken;
}

bool Hdf5Cursor::TakeText(std::string_view text) {
  const std::span<const std::byte> taken = TakeBytes(text.size());
  return ok_ && AsText(taken) == text;
}

Result<std::vector<uint64_t>> ParseHdf5Shape(std::span<const std::byte> bytes) {
  Hdf5Cursor cursor(bytes);
  const uint64_t version = cursor.Take(1);
  const uint64_t axes = cursor.Take(1);
  cursor.Skip(1);  // flags: whether largest lengths follow
  const uint64_t type = cursor.Take(1);
  if (version == 1) cursor.Skip(4);
  if ((version != 1 && version != 2) || axes > kMaxAxes || (version == 2 && type > 1)) {
    return Damaged("a shape");
  }
  std::vector<uint64_t> shape;
  for (uint64_t i = 0; i < axes; ++i) shape.push_back(cursor.TakeWord());
  if (!cursor.ok()) return Damaged("the lengths of all axes");
  return shape;
}

Result<Hdf5Type> ParseHdf5Type(std::span<const std::byte> bytes) {
  constexpr int kInteger = 0, kFloat = 1, kString = 3, kEnumeration = 8, kVariable = 9;
  Hdf5Cursor cursor(bytes);
  const uint64_t head = cursor.Take(1);
  const uint64_t bits = cursor.Take(3);
  Hdf5Type type;
  type.number = static_cast<int>(head & 0xF);
  type.bytes = cursor.Take(4);
  type.big_endian = (bits & 1) != 0;
  switch (type.number) {
    case kInteger:
      if (IsWholeInteger(&cursor, type.bytes)) type.kind = (bits & 8) != 0 ? 'i' : 'u';
      break;
    case kFloat:
      if (IsIeee(&cursor, type.bytes, bits)) type.kind = 'f';
      break;
    case kString: type.kind = 's'; break;
    case kEnumeration: {  // h5py's bool is one of bytes
      const uint64_t base = cursor.Take(1) & 0xF;
      if (base == kInteger && type.bytes == 1) type.kind = 'b';
      break;
    }
    case kVariable:
      if ((bits & 0xF) == 1) type.kind = 'v';
      break;
    default: break;
  }
  if (!cursor.ok() || type.bytes == 0) return Damaged("a type");
  return type;
}

Result<Hdf5Layout> ParseHdf5Layout(std::span<const std::byte> bytes) {
  Hdf5Cursor cursor(bytes);
  const uint64_t version = cursor.Take(1);
  const uint64_t kind = cursor.Take(1);
  if (!cursor.ok()) return Damaged("a layout");
  if (version != 3 && version != 4) {
    return Status::Unsupported(StrCat("a layout of version ", version));
  }
  Hdf5Layout layout;
  switch (kind) {
    case 0:
      layout.kind = Hdf5Layout::Kind::kCompact;
      layout.compact = cursor.TakeBytes(cursor.Take(2));
      break;
    case 1:
      layout.kind = Hdf5Layout::Kind::kContiguous;
      layout.address = cursor.TakeWord();
      layout.bytes = cursor.TakeWord();
      break;
    case 2:
      layout.kind = Hdf5Layout::Kind::kChunked;
      KITH_RETURN_IF_ERROR(version == 3 ? ParseOldChunks(&cursor, &layout)
                                        : ParseNewChunks(&cursor, &layout));
      break;
    default: return Status::Unsupported("data stored elsewhere");  // a virtual data set
  }
  if (!cursor.ok()) return Damaged("a whole layout");
  return layout;
}

Result<std::vector<Hdf5Filter>> ParseHdf5Filters(std::span<const std::byte> bytes) {
  constexpr uint64_t kFirstNamed = 256;  // in version 2
  Hdf5Cursor cursor(bytes);
  const uint64_t version = cursor.Take(1);
  const uint64_t count = cursor.Take(1);
  if ((version != 1 && version != 2) || count > kMaxFilters) return Damaged("filters");
  if (version == 1) cursor.Skip(6);
  std::vector<Hdf5Filter> filters;
  for (uint64_t i = 0; i < count; ++i) {
    Hdf5Filter filter;
    filter.id = static_cast<uint32_t>(cursor.Take(2));
    const bool named = version == 1 || filter.id >= kFirstNamed;
    const uint64_t name_bytes = named ? cursor.Take(2) : 0;
    cursor.Skip(2);  // whether it may be left out
    const uint64_t parameters = cursor.Take(2);
    cursor.Skip(version == 1 ? RoundUpTo8(name_bytes) : name_bytes);
    if (parameters > 0) filter.parameter = static_cast<uint32_t>(cursor.Take(4));
    if (parameters > 1) cursor.Skip(4 * (parameters - 1));
    if (version == 1 && parameters % 2 != 0) cursor.Skip(4);
    filters.push_back(filter);
  }
  if (!cursor.ok()) return Damaged("whole filters");
  return filters;
}

Result<Hdf5Link> ParseHdf5Link(std::span<const std::byte> bytes) {
  Hdf5Cursor cursor(bytes);
  const uint64_t version = cursor.Take(1);
  const uint64_t flags = cursor.Take(1);
  const uint64_t type = (flags & 0x8) != 0 ? cursor.Take(1) : 0;
  if ((flags & 0x4) != 0) cursor.Skip(8);   // the order in which it was made
  if ((flags & 0x10) != 0) cursor.Skip(1);  // the name's character set
  const uint64_t name_bytes = cursor.Take(size_t{1} << (flags & 3));
  Hdf5Link link;
  link.name = AsText(cursor.TakeBytes(name_bytes));
  if (type == 0) link.address = cursor.TakeWord();
  if (version != 1 || !cursor.ok()) return Damaged("a link");
  return link;
}

Result<Hdf5Attribute> ParseHdf5Attribute(std::span<const std::byte> bytes) {
  Hdf5Cursor cursor(bytes);
  const uint64_t version = cursor.Take(1);
  const uint64_t flags = cursor.Take(1);
  const uint64_t sizes[3] = {cursor.Take(2), cursor.Take(2), cursor.Take(2)};
  if (version == 3) cursor.Skip(1);  // the name's character set
  if (version < 1 || version > 3) return Damaged("an attribute");
  if (version > 1 && (flags & 3) != 0) {
    return Status::Unsupported("an attribute whose type is stored elsewhere");
  }
  std::span<const std::byte> parts[3];
  for (size_t i = 0; i < 3; ++i) {
    parts[i] = cursor.TakeBytes(sizes[i]);
    if (version == 1) cursor.Skip(RoundUpTo8(sizes[i]) - sizes[i]);
  }
  if (!cursor.ok()) return Damaged("a whole attribute");
  Hdf5Attribute attribute;
  attribute.name = UntilZero(AsText(parts[0]));
  KITH_ASSIGN_OR_RETURN(attribute.type, ParseHdf5Type(parts[1]));
  KITH_ASSIGN_OR_RETURN(const std::vector<uint64_t> shape, ParseHdf5Shape(parts[2]));
  attribute.scalar =
      std::all_of(shape.begin(), shape.end(), [](uint64_t length) { return length == 1; });
  attribute.value = cursor.TakeBytes(attribute.type.bytes);
  if (!cursor.ok()) return Damaged("an attribute's value");
  return attribute;
}

}  // namespace kith::data
