#include "common/describe.h"

#include "common/recall_text.h"
#include "common/text.h"

namespace kith::apps {
namespace {

double Share(uint64_t bytes, uint64_t num_vectors) {
  return num_vectors == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(num_vectors);
}

// A figure of a way in; 0 if the file has no such way in.
uint64_t NumberOf(const IndexInfo& info, IndexKind kind, const char* name) {
  const PathInfo* path = info.path_of(kind);
  return path == nullptr ? 0 : path->number(name);
}

// An object, or null if the file says nothing readable. The library bounds how deep it is: what
// follows calls itself for what is nested.
Json BuiltWith(const IndexInfo& info) {
  Json json = Json::parse(info.built_with, nullptr, false);
  return json.is_object() ? json : Json();
}

}  // namespace

std::string PathsText(const IndexInfo& info) {
  std::string text;
  for (const PathInfo& path : info.paths) text += (text.empty() ? "" : ", ") + path.summary;
  return text;
}

Json PathNamesJson(const IndexInfo& info) {
  Json names = Json::array();
  for (const PathInfo& path : info.paths) names.push_back(IndexKindName(path.kind));
  return names;
}

Json PathJson(const IndexInfo& info, IndexKind kind) {
  const PathInfo* path = info.path_of(kind);
  if (path == nullptr) return nullptr;
  Json json;
  for (const PathInfo::Property& property : path->properties) {
    json[property.name] = property.share >= 0     ? Json(property.share)
                          : property.text.empty() ? Json(property.number)
                                                  : Json(property.text);
  }
  json["bytes"] = path->bytes;
  json["bytes_per_vector"] = BytesPerVector(info, *path);
  return json;
}

void AddPathsJson(const IndexInfo& info, Json* json) {
  (*json)["index"] = PathNamesJson(info);
  (*json)["scan_codes"] = NumberOf(info, IndexKind::kExact, "codes") > 0;
  (*json)["graph"] = PathJson(info, IndexKind::kGraph);
  (*json)["trees"] = NumberOf(info, IndexKind::kForest, "trees");
  (*json)["leaf"] = NumberOf(info, IndexKind::kForest, "leaf");
}

double BytesPerVector(const IndexInfo& info) { return Share(info.file_bytes, info.num_vectors); }

double BytesPerVector(const IndexInfo& info, const PathInfo& path) {
  return Share(path.bytes, info.num_vectors);
}

Json InfoJson(const IndexInfo& info) {
  Json json;
  json["file"] = info.path;
  json["vectors"] = info.num_vectors;
  json["dim"] = info.dim;
  if (info.source_dim > 0) json["source_dim"] = info.source_dim;
  json["dtype"] = DataTypeName(info.dtype);
  json["metric"] = MetricName(info.metric);
  AddPathsJson(info, &json);
  json["keys"] = info.has_keys;
  json["ids"] = info.has_ids;
  json["bytes"] = info.file_bytes;
  json["bytes_per_vector"] = BytesPerVector(info);
  json["format_version"] = info.format_version;
  json["built_with"] = BuiltWith(info);
  if (!info.origin.empty()) json["origin"] = info.origin;
  json["build_s"] = JsonKnown(info.build_seconds);
  json["calibration"] = CalibrationJson(info.calibration);
  json["sections"] = Json::array();
  for (const IndexInfo::Section& section : info.sections) {
    json["sections"].push_back({{"name", section.name},
                                {"offset", section.offset},
                                {"bytes", section.size},
                                {"crc32c", Hex(section.crc32c)}});
  }
  return json;
}

std::string BuiltWithText(const IndexInfo& info) {
  std::string text;
  const Json built_with = BuiltWith(info);
  for (const auto& [name, value] : built_with.items()) {
    std::string words = name;
    for (char& c : words) {
      if (c == '_') c = ' ';
    }
    text += StrCat(text.empty() ? "" : ", ", words, " ",
                   value.is_string() ? value.get<std::string>() : value.dump());
  }
  return Printable(text);
}

std::string OriginText(const IndexInfo& info) {
  std::string text;
  for (const char& c : info.origin) {
    if (c != '\n') {
      text += c;
    } else if (&c != &info.origin.back()) {
      text += ", ";
    }
  }
  return Printable(text);
}

std::string Hex(uint32_t x) {
  std::string text = "0x00000000";
  for (size_t i = text.size(); x != 0; x >>= 4) text[--i] = "0123456789abcdef"[x & 15];
  return text;
}

}  // namespace kith::apps
