#include "pictures/onnx_notes.h"

#include <optional>
#include <utility>

namespace kith::pictures {
namespace {

using Bytes = std::span<const std::byte>;

// A field of a message of protocol buffers.
struct Field {
  uint64_t number = 0;
  uint64_t value = 0;  // of a varint
  Bytes content;       // of a string or message
};

// The fields of a message, one after the other, as onnx.proto numbers them.
class Fields {
 public:
  explicit Fields(Bytes message) : rest_(message) {}

  // nullopt at the end, and at what is no field.
  std::optional<Field> Next() {
    constexpr uint64_t kVarint = 0;
    constexpr uint64_t kFixed64 = 1;
    constexpr uint64_t kLengthDelimited = 2;
    constexpr uint64_t kFixed32 = 5;
    const std::optional<uint64_t> tag = Varint();
    if (!tag) return std::nullopt;
    Field field{.number = *tag >> 3};
    uint64_t size = 0;
    switch (*tag & 7) {
      case kVarint: {
        const std::optional<uint64_t> value = Varint();
        if (!value) return std::nullopt;
        field.value = *value;
        break;
      }
      case kFixed64: size = 8; break;
      case kFixed32: size = 4; break;
      case kLengthDelimited: {
        const std::optional<uint64_t> length = Varint();
        if (!length) return std::nullopt;
        size = *length;
        break;
      }
      default: return std::nullopt;
    }
    if (size > rest_.size()) return std::nullopt;
    field.content = rest_.first(size);
    rest_ = rest_.subspan(size);
    return field;
  }

 private:
  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = std::to_integer<uint64_t>(rest_.front());
      rest_ = rest_.subspan(1);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  Bytes rest_;
};

// The content of the first field of this number; none if there is none.
Bytes Find(Bytes message, uint64_t number) {
  Fields fields(message);
  while (const std::optional<Field> field = fields.Next()) {
    if (field->number == number) return field->content;
  }
  return {};
}

std::string Text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// ValueInfoProto.type.tensor_type.shape.dim; whether there are four.
bool ReadShape(Bytes input, std::array<uint64_t, 4>* shape) {
  Fields dims(Find(Find(Find(input, 2), 1), 2));
  std::array<uint64_t, 4> read = {};
  size_t count = 0;
  while (const std::optional<Field> dim = dims.Next()) {
    if (dim->number != 1) continue;
    if (count == 4) return false;
    Fields values(dim->content);
    const std::optional<Field> value = values.Next();
    if (value && value->number == 1) read[count] = value->value;
    ++count;
  }
  if (count == 4) *shape = read;
  return count == 4;
}

}  // namespace

OnnxNotes ReadOnnxNotes(Bytes model) {
  constexpr uint64_t kGraph = 7;
  constexpr uint64_t kMetadata = 14;
  constexpr uint64_t kInput = 11;  // of the graph
  OnnxNotes found;
  Fields fields(model);
  while (const std::optional<Field> field = fields.Next()) {
    if (field->number == kMetadata) {
      found.notes[Text(Find(field->content, 1))] = Text(Find(field->content, 2));
    } else if (field->number == kGraph) {
      Fields parts(field->content);
      bool known = false;
      while (const std::optional<Field> part = parts.Next()) {
        if (part->number == kInput && !known) known = ReadShape(part->content, &found.input);
      }
    }
  }
  return found;
}

}  // namespace kith::pictures
