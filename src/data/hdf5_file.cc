#include "data/hdf5_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/strings.h"
#include "data/readers.h"

namespace kith::data {
namespace {

constexpr std::string_view kMagicNumber = "\x89HDF\r\n\x1a\n";
constexpr uint64_t kFirstUserBlock = 512;
constexpr size_t kLongestText = 64;    // of an attribute that is read
constexpr size_t kLongestName = 1024;  // of an object that is found
constexpr uint64_t kNamesListed = 12;
constexpr size_t kTreeHead = 24;

// How messages begin: in headers of version 1; in those of version 2; and in these if they keep the
// order in which messages were made.
constexpr Hdf5File::MessageHead kOldHead{2, 8};
constexpr Hdf5File::MessageHead kNewHead{1, 4};
constexpr Hdf5File::MessageHead kOrderedHead{1, 6};

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Status Hdf5File::Damaged(uint64_t address, std::string_view expected) const {
  const uint64_t place = address > UINT64_MAX - base_ ? address : base_ + address;
  return AtByte(input_->path, place,
                StrCat("expected ", expected, "; the file is truncated or damaged"));
}

Status Hdf5File::Unsupported(std::string_view what) const {
  return Status::Unsupported(StrCat(input_->path, ": ", what,
                                    ", which kith does not read; write the file anew as h5py does "
                                    "unless told otherwise, or as npy"));
}

Result<std::span<const std::byte>> Hdf5File::At(uint64_t address, uint64_t bytes,
                                                std::string_view what) const {
  const uint64_t size = input_->bytes.size() - base_;
  if (address > size || bytes > size - address) {
    return Damaged(address,
                   StrCat(what, " of ", bytes, " bytes within the file's ", input_->bytes.size()));
  }
  return input_->bytes.subspan(base_ + address, bytes);
}

Result<Hdf5File> Hdf5File::Open(const Input& input) {
  Hdf5File file(input);
  const std::string_view text = AsText(input.bytes);
  while (text.substr(file.base_, kMagicNumber.size()) != kMagicNumber) {
    file.base_ = std::max(kFirstUserBlock, file.base_ * 2);  // what is before is the user's own
    if (file.base_ >= text.size()) return AtByte(input.path, 0, "expected the signature of HDF5");
  }
  KITH_RETURN_IF_ERROR(file.OpenSuperblock());
  return file;
}

Status Hdf5File::OpenSuperblock() {
  Hdf5Cursor cursor(input_->bytes.subspan(base_));
  cursor.Skip(kMagicNumber.size());
  const uint64_t version = cursor.Take(1);
  if (version > 3) return Unsupported(StrCat("HDF5 with a superblock of version ", version));
  if (version < 2) cursor.Skip(4);
  const uint64_t address_bytes = cursor.Take(1);
  const uint64_t length_bytes = cursor.Take(1);
  if (version < 2) cursor.Skip(version == 1 ? 13 : 9);
  if (version >= 2) cursor.Skip(1);
  cursor.TakeWord();  // where addresses count from, as the writer knew it
  cursor.TakeWord();  // free space, or an extension
  const uint64_t end = cursor.TakeWord();
  if (version < 2) cursor.Skip(16);  // the driver's block, the name of the first group
  root_ = cursor.TakeWord();
  if (!cursor.ok()) return Damaged(0, "a superblock");
  if (address_bytes != 8 || length_bytes != 8) {
    return Unsupported(StrCat("HDF5 with addresses of ", address_bytes, " and lengths of ",
                              length_bytes, " bytes"));
  }
  if (end > input_->bytes.size()) return CheckSize(input_->path, end, input_->bytes.size());
  return Status::Ok();
}

Status Hdf5File::ForEachMessage(uint64_t header, const VisitMessage& visit) const {
  KITH_ASSIGN_OR_RETURN(const auto head, At(header, 4, "the header of an object"));
  return AsText(head) == "OHDR" ? VisitNewHeader(header, visit) : VisitOldHeader(header, visit);
}

Status Hdf5File::VisitOldHeader(uint64_t header, const VisitMessage& visit) const {
  constexpr uint64_t kPrefix = 16;
  KITH_ASSIGN_OR_RETURN(const auto prefix, At(header, kPrefix, "the header of an object"));
  Hdf5Cursor start(prefix);
  const uint64_t version = start.Take(1);
  start.Skip(7);  // a reserved byte, the numbers of messages and of links
  if (version != 1) return Damaged(header, "the header of an object");
  Blocks blocks = {{{header + kPrefix, start.Take(4)}}, input_->bytes.size()};
  for (size_t i = 0; i < blocks.places.size(); ++i) {
    const auto [address, length] = blocks.places[i];
    KITH_ASSIGN_OR_RETURN(const auto block, At(address, length, "messages of an object"));
    if (i > 0 && length < kOldHead.bytes) return Damaged(address, "more messages of an object");
    KITH_RETURN_IF_ERROR(VisitBlock(address, block, kOldHead, visit, &blocks));
  }
  return Status::Ok();
}

Status Hdf5File::VisitNewHeader(uint64_t header, const VisitMessage& visit) const {
  constexpr size_t kChecksum = 4;
  KITH_ASSIGN_OR_RETURN(const auto rest, At(header, input_->bytes.size() - base_ - header, ""));
  Hdf5Cursor start(rest);
  start.Skip(4);  // "OHDR"
  const uint64_t version = start.Take(1);
  const uint64_t flags = start.Take(1);
  if ((flags & 0x20) != 0) start.Skip(16);  // times
  if ((flags & 0x10) != 0) start.Skip(4);   // limits of attributes
  const uint64_t first_bytes = start.Take(size_t{1} << (flags & 3));
  if (version != 2 || !start.ok()) return Damaged(header, "the header of an object");
  const uint64_t first = header + (rest.size() - start.left());
  const MessageHead& head = (flags & 4) != 0 ? kOrderedHead : kNewHead;
  Blocks blocks = {{{first, first_bytes}}, input_->bytes.size()};
  for (size_t i = 0; i < blocks.places.size(); ++i) {
    const auto [address, length] = blocks.places[i];
    KITH_ASSIGN_OR_RETURN(auto block, At(address, length, "messages of an object"));
    if (i > 0) {
      if (length < 4 + kChecksum || AsText(block.first(4)) != "OCHK") {
        return Damaged(address, "more messages of an object");
      }
      block = block.subspan(4, length - 4 - kChecksum);
    }
    KITH_RETURN_IF_ERROR(VisitBlock(address, block, head, visit, &blocks));
  }
  return Status::Ok();
}

Status Hdf5File::VisitBlock(uint64_t address, std::span<const std::byte> block,
                            const MessageHead& head, const VisitMessage& visit,
                            Blocks* blocks) const {
  if (block.size() > blocks->left) {
    return Damaged(address, "messages of an object, and no others twice");
  }
  blocks->left -= block.size();
  Hdf5Cursor cursor(block);
  while (cursor.left() >= head.bytes) {
    Hdf5Message message;
    message.type = static_cast<Hdf5MessageType>(cursor.Take(head.type_bytes));
    const uint64_t size = cursor.Take(2);
    message.shared = (cursor.Take(1) & 2) != 0;
    cursor.Skip(head.bytes - head.type_bytes - 3);  // reserved, or the order of its making
    message.bytes = cursor.TakeBytes(size);
    if (!cursor.ok()) return Damaged(address, "whole messages of an object");
    if (message.type == Hdf5MessageType::kContinuation) {
      Hdf5Cursor next(message.bytes);
      const uint64_t to = next.TakeWord();
      blocks->places.emplace_back(to, next.TakeWord());
    } else {
      KITH_RETURN_IF_ERROR(visit(message));
    }
  }
  return Status::Ok();
}

Status Hdf5File::WalkTree(uint64_t root, uint64_t type, size_t key_bytes,
                          const Visit& visit) const {
  struct Node {
    Hdf5Cursor entries;
    uint64_t level;
    uint64_t left;
  };
  const size_t entry_bytes = key_bytes + 8;
  std::vector<Node> path;  // at most 256: levels fall by one
  // Nodes lie apart, so that all of them are no longer than the file.
  uint64_t budget = input_->bytes.size();
  const auto enter = [&](uint64_t address) -> Status {
    KITH_ASSIGN_OR_RETURN(const auto bytes, At(address, kTreeHead, "a node of a tree"));
    Hdf5Cursor head(bytes);
    const bool is_node = head.TakeText("TREE") && head.Take(1) == type;
    const uint64_t level = head.Take(1);
    const uint64_t count = head.Take(2);
    if (!is_node || (!path.empty() && level + 1 != path.back().level)) {
      return Damaged(address, "a node of a tree, one level lower");
    }
    const uint64_t size = count * entry_bytes;
    if (kTreeHead + size > budget) return Damaged(address, "a tree without nodes that occur twice");
    budget -= kTreeHead + size;
    KITH_ASSIGN_OR_RETURN(const auto entries, At(address + kTreeHead, size, "entries of a tree"));
    path.push_back({Hdf5Cursor(entries), level, count});
    return Status::Ok();
  };
  KITH_RETURN_IF_ERROR(enter(root));
  while (!path.empty()) {
    Node& node = path.back();
    if (node.left == 0) {
      path.pop_back();
      continue;
    }
    --node.left;
    const std::span<const std::byte> key = node.entries.TakeBytes(key_bytes);
    const uint64_t child = node.entries.TakeWord();
    KITH_RETURN_IF_ERROR(node.level == 0 ? visit(key, child) : enter(child));
  }
  return Status::Ok();
}

Status Hdf5File::VisitTable(uint64_t group, std::span<const std::byte> table,
                            const VisitObject& visit) const {
  constexpr uint64_t kGroupNode = 0;
  constexpr uint64_t kEntryBytes = 40;
  constexpr uint64_t kSoftLink = 2;
  Hdf5Cursor cursor(table);
  const uint64_t tree = cursor.TakeWord();
  const uint64_t heap = cursor.TakeWord();
  if (!cursor.ok()) return Damaged(group, "a group");
  KITH_ASSIGN_OR_RETURN(const auto heap_head, At(heap, 32, "a heap of names"));
  Hdf5Cursor head(heap_head);
  if (!head.TakeText("HEAP")) return Damaged(heap, "a heap of names");
  head.Skip(4);  // its version
  const uint64_t heap_bytes = head.TakeWord();
  head.Skip(8);  // what is free
  const uint64_t heap_at = head.TakeWord();
  KITH_ASSIGN_OR_RETURN(const auto names, At(heap_at, heap_bytes, "a heap of names"));
  uint64_t budget = input_->bytes.size();
  const auto visit_node = [&](std::span<const std::byte>, uint64_t address) -> Status {
    KITH_ASSIGN_OR_RETURN(const auto node_head, At(address, 8, "a node of a group"));
    Hdf5Cursor node(node_head);
    const bool is_node = node.TakeText("SNOD");
    node.Skip(2);  // its version
    const uint64_t size = node.Take(2) * kEntryBytes;
    if (!is_node || 8 + size > budget) return Damaged(address, "a node of a group");
    budget -= 8 + size;
    KITH_ASSIGN_OR_RETURN(const auto entries, At(address + 8, size, "the entries of a group"));
    for (Hdf5Cursor entry(entries); entry.left() > 0;) {
      const uint64_t name_at = entry.TakeWord();
      const uint64_t object = entry.TakeWord();
      const bool soft = entry.Take(4) == kSoftLink;
      entry.Skip(20);
      if (name_at > names.size()) return Damaged(address, "names within their heap");
      // The heap ends each name with a zero byte; to look for it farther would take the square of
      // the file's size.
      const std::string_view text = AsText(names.subspan(name_at)).substr(0, kLongestName + 1);
      const size_t end = text.find('\0');
      if (end != std::string_view::npos && !soft) {
        KITH_RETURN_IF_ERROR(visit(text.substr(0, end), object));
      }
    }
    return Status::Ok();
  };
  return WalkTree(tree, kGroupNode, 8, visit_node);
}

Status Hdf5File::ForEachObject(uint64_t group, const VisitObject& visit) const {
  bool has_table = false;
  const auto visit_message = [&](const Hdf5Message& message) -> Status {
    if (message.type == Hdf5MessageType::kSymbolTable) {
      // Looking through many would take the square of the file's size.
      if (std::exchange(has_table, true)) return Damaged(group, "a group with one table");
      KITH_RETURN_IF_ERROR(VisitTable(group, message.bytes, visit));
    } else if (message.type == Hdf5MessageType::kLinkInfo) {
      Hdf5Cursor cursor(message.bytes);
      cursor.Skip(1);
      if ((cursor.Take(1) & 1) != 0) cursor.Skip(8);
      if (cursor.TakeWord() != kHdf5NoAddress) {
        return Unsupported("a group of many objects in the layout of HDF5 1.8");
      }
    } else if (message.type == Hdf5MessageType::kLink) {
      const Result<Hdf5Link> link = ParseHdf5Link(message.bytes);
      if (!link.ok()) return InMessage(message, link.status());
      if (link->address != kHdf5NoAddress) return visit(link->name, link->address);
    }
    return Status::Ok();
  };
  return ForEachMessage(group, visit_message);
}

Result<std::optional<uint64_t>> Hdf5File::FindObject(std::string_view name) const {
  std::optional<uint64_t> found = root_;
  while (found && !name.empty()) {
    const size_t end = std::min(name.find('/'), name.size());
    const std::string_view own = name.substr(0, end);
    name.remove_prefix(std::min(end + 1, name.size()));
    if (own.empty()) continue;  // "/train" is "train"
    const uint64_t group = *std::exchange(found, std::nullopt);
    const auto visit = [&](std::string_view text, uint64_t object) {
      if (text == own) found = object;
      return Status::Ok();
    };
    KITH_RETURN_IF_ERROR(ForEachObject(group, visit));
  }
  return found;
}

Result<bool> Hdf5File::Has(std::string_view name) const {
  KITH_ASSIGN_OR_RETURN(const std::optional<uint64_t> object, FindObject(name));
  return object.has_value();
}

std::string Hdf5File::ObjectsText() const {
  std::vector<std::string> names;
  uint64_t count = 0;
  const auto visit = [&](std::string_view name, uint64_t) {
    if (count++ < kNamesListed) names.push_back(StrCat("'", Printable(name), "'"));
    return Status::Ok();
  };
  if (!ForEachObject(root_, visit).ok() || count == 0) return "none";
  std::string text = "none of this name; the file has ";
  for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return count == names.size() ? text : StrCat(text, " and ", count - names.size(), " more");
}

Status Hdf5File::InMessage(const Hdf5Message& message, const Status& status) const {
  if (status.code() == StatusCode::kUnsupported) return Unsupported(status.message());
  const auto at = static_cast<uint64_t>(message.bytes.data() - input_->bytes.data());
  return AtByte(input_->path, at, StrCat(status.message(), "; the file is truncated or damaged"));
}

Result<Hdf5Dataset> Hdf5File::Find(std::string_view name) const {
  KITH_ASSIGN_OR_RETURN(const std::optional<uint64_t> object, FindObject(name));
  const auto other = [&](std::string_view got) {
    return Status::InvalidArgument(
        StrCat(input_->path, ": expected a dataset '", Printable(name), "', got ", got));
  };
  if (!object) return other(ObjectsText());
  Hdf5Dataset set;
  set.name = name;
  std::optional<std::vector<uint64_t>> shape;
  bool has_type = false, has_layout = false, elsewhere = false;
  const auto visit = [&](const Hdf5Message& message) -> Status {
    const auto take = [&](auto parse, auto* out) -> Status {
      if (message.shared) return Unsupported("a dataset whose type or shape is stored elsewhere");
      auto parsed = parse(message.bytes);
      if (!parsed.ok()) return InMessage(message, parsed.status());
      *out = std::move(*parsed);
      return Status::Ok();
    };
    switch (message.type) {
      case Hdf5MessageType::kDataspace: return take(ParseHdf5Shape, &shape);
      case Hdf5MessageType::kDatatype: has_type = true; return take(ParseHdf5Type, &set.type);
      case Hdf5MessageType::kLayout: has_layout = true; return take(ParseHdf5Layout, &set.layout);
      case Hdf5MessageType::kFilters: return take(ParseHdf5Filters, &set.filters);
      case Hdf5MessageType::kExternalFiles: elsewhere = true; return Status::Ok();
      default: return Status::Ok();
    }
  };
  KITH_RETURN_IF_ERROR(ForEachMessage(*object, visit));
  if (!shape || !has_type || !has_layout) return other("another object");
  if (shape->size() != 2 || elsewhere) {
    return Status::InvalidArgument(StrCat(input_->path, ": dataset '", name,
                                          "': expected a matrix of 2 axes stored in the file, got ",
                                          shape->size(), " axes or data stored elsewhere"));
  }
  set.rows = (*shape)[0];
  set.columns = (*shape)[1];
  KITH_RETURN_IF_ERROR(
      CheckShape(input_->path, std::min<uint64_t>(set.rows, kMaxRows), set.columns));
  KITH_RETURN_IF_ERROR(CheckStored(set));
  return set;
}

// Of chunks, what is stored is known when they have been found.
Status Hdf5File::CheckStored(const Hdf5Dataset& set) const {
  const Hdf5Layout& layout = set.layout;
  if (layout.kind == Hdf5Layout::Kind::kChunked) return Status::Ok();
  const uint64_t stored = layout.kind == Hdf5Layout::Kind::kCompact ? layout.compact.size()
                          : layout.address == kHdf5NoAddress        ? 0
                                                                    : layout.bytes;
  const uint64_t row_bytes = set.row_bytes();
  if (set.rows > stored / row_bytes || stored > input_->bytes.size()) {
    return Status::InvalidArgument(StrCat(input_->path, ": dataset '", set.name, "': expected ",
                                          set.rows, " rows of ", row_bytes, " bytes, got ", stored,
                                          " bytes stored in a file of ", input_->bytes.size()));
  }
  return Status::Ok();
}

Result<std::optional<std::string>> Hdf5File::Text(std::string_view name) const {
  std::optional<std::string> text;
  bool seen = false;
  const auto visit = [&](const Hdf5Message& message) -> Status {
    if (message.type != Hdf5MessageType::kAttribute || message.shared) return Status::Ok();
    const Result<Hdf5Attribute> attribute = ParseHdf5Attribute(message.bytes);
    // Other attributes may be of any kind.
    if (!attribute.ok() || attribute->name != name) return Status::Ok();
    if (std::exchange(seen, true)) return Damaged(root_, "attributes of different names");
    KITH_ASSIGN_OR_RETURN(text, TextOf(*attribute));
    return Status::Ok();
  };
  KITH_RETURN_IF_ERROR(ForEachMessage(root_, visit));
  return text;
}

Result<std::optional<std::string>> Hdf5File::TextOf(const Hdf5Attribute& attribute) const {
  const auto cut = [](std::span<const std::byte> bytes) {
    return std::string(AsText(bytes).substr(0, AsText(bytes).find('\0')));
  };
  std::optional<std::string> none;
  if (!attribute.scalar) return none;
  if (attribute.type.kind == 's' && attribute.value.size() <= kLongestText) {
    return std::optional(cut(attribute.value));
  }
  if (attribute.type.kind != 'v') return none;
  // Texts of any length are in a heap that all objects share.
  Hdf5Cursor value(attribute.value);
  const uint64_t length = value.Take(4);
  const uint64_t heap = value.TakeWord();
  const uint64_t wanted = value.Take(4);
  if (!value.ok() || length > kLongestText) return none;
  constexpr uint64_t kHead = 16;
  KITH_ASSIGN_OR_RETURN(const auto head_bytes, At(heap, kHead, "a heap of texts"));
  Hdf5Cursor head(head_bytes);
  const bool is_heap = head.TakeText("GCOL");
  head.Skip(4);  // its version
  const uint64_t size = head.TakeWord();
  if (!is_heap || size < kHead) return Damaged(heap, "a heap of texts");
  KITH_ASSIGN_OR_RETURN(const auto objects, At(heap, size, "a heap of texts"));
  Hdf5Cursor cursor(objects.subspan(kHead));
  while (cursor.left() >= kHead) {
    const uint64_t index = cursor.Take(2);
    cursor.Skip(6);  // how often it is used
    const uint64_t bytes = cursor.TakeWord();
    if (index == 0) break;  // what follows is free
    const std::span<const std::byte> object = cursor.TakeBytes(bytes);
    cursor.Skip(std::min<uint64_t>((8 - bytes % 8) % 8, cursor.left()));
    if (!cursor.ok()) return Damaged(heap, "texts within their heap");
    if (index == wanted && length <= object.size()) {
      return std::optional(cut(object.first(static_cast<size_t>(length))));
    }
  }
  return Damaged(heap, StrCat("text number ", wanted, " in a heap"));
}

}  // namespace kith::data
