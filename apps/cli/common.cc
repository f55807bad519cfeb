#include "common.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "data/convert.h"
#include "storage/container.h"
#include "terminal.h"

namespace kith::cli {
namespace {

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::optional<int64_t> ParseWhole(const std::string& text) {
  int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

// "800M" in bytes.
std::optional<uint64_t> ParseSize(std::string text) {
  if (text.empty()) return std::nullopt;
  int shift = 0;
  switch (text.back()) {
    case 'k':
    case 'K': shift = 10; break;
    case 'm':
    case 'M': shift = 20; break;
    case 'g':
    case 'G': shift = 30; break;
    case 't':
    case 'T': shift = 40; break;
    default: break;
  }
  if (shift > 0) text.pop_back();
  const std::optional<int64_t> n = ParseWhole(text);
  if (!n || *n < 1 || *n > INT64_MAX >> shift) return std::nullopt;
  return static_cast<uint64_t>(*n) << shift;
}

// "5m" in seconds.
std::optional<double> ParseDuration(std::string text) {
  constexpr double kMost = 1e9;
  if (text.empty()) return std::nullopt;
  double unit = 1;
  switch (text.back()) {
    case 's': break;
    case 'm': unit = 60; break;
    case 'h': unit = 3600; break;
    default: text += 's';
  }
  text.pop_back();
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(x > 0 && x * unit <= kMost)) return std::nullopt;
  return x * unit;
}

// An option of one word out of a list, parsed by `parse`.
template <class T, class Parse>
CLI::Option* AddChoice(CLI::App* app, const std::string& name, std::optional<T>* value,
                       const std::vector<std::string>& names, Parse parse,
                       const std::string& description) {
  auto set = [value, parse](const std::string& text) { *value = parse(text); };
  auto check = [names, parse, name](const std::string& text) {
    return parse(text) || text == names.front()
               ? std::string()
               : StrCat("unknown value '", text, "', expected ", Joined(names));
  };
  return app->add_option_function<std::string>(name, set, description)
      ->check(CLI::Validator(check, ""))
      ->type_name("NAME");
}

// Writes rows [0, rows) of the index in its own type.
Status CopyRows(const Index& index, size_t rows, size_t stride, std::byte* out,
                const Progress& progress) {
  constexpr size_t kRowsAChunk = 4096;
  const IndexInfo& info = index.info();
  ThreadPool pool(0);
  return pool.Chunks(rows, kRowsAChunk, [&](size_t begin, size_t end, int thread) -> Status {
    if (thread == 0) KITH_RETURN_IF_ERROR(pool.Report(progress, "reading vectors", begin, rows));
    std::vector<float> row(info.dim);
    for (size_t i = begin; i < end; ++i) {
      index.GetVector(i, row.data());
      KITH_RETURN_IF_ERROR(data::ConvertRows(ViewOf(row.data(), 1, info.dim), info.dtype, 0, 1,
                                             out + i * stride, stride));
    }
    return Status::Ok();
  });
}

Result<Dataset> LoadKith(const std::string& path, const ReadOptions& options) {
  if (!options.labels_path.empty()) {
    return Status::InvalidArgument(
        StrCat(path,
               ": the vectors of a .kith file keep their own keys; to give them others, "
               "convert it to npy first"));
  }
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, OpenIndex(path));
  const IndexInfo& info = index->info();
  Dataset dataset;
  dataset.format = "kith";
  dataset.metric = info.metric;
  MatrixView& view = dataset.vectors;
  view.rows = static_cast<size_t>(info.num_vectors);
  if (options.max_rows > 0 && options.max_rows < view.rows) {
    view.rows = static_cast<size_t>(options.max_rows);
  }
  view.dim = info.dim;
  view.dtype = info.dtype;
  view.stride = RowBytes(info.dtype, info.dim);
  KITH_ASSIGN_OR_RETURN(auto buffer, AlignedBuffer<std::byte>::Create(view.rows * view.stride));
  KITH_RETURN_IF_ERROR(CopyRows(*index, view.rows, view.stride, buffer.data(), options.progress));
  if (info.has_keys) {
    for (size_t i = 0; i < view.rows; ++i) dataset.keys.Add(index->Key(i));
  }
  auto owner = std::make_shared<AlignedBuffer<std::byte>>(std::move(buffer));
  view.data = owner->data();
  dataset.owner = std::move(owner);
  return dataset;
}

}  // namespace

std::string ToLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Json JsonFloat(float x) {
  if (!std::isfinite(x)) return nullptr;
  const std::string text = FormatFloat(x);
  double shortest = 0;
  std::from_chars(text.data(), text.data() + text.size(), shortest);
  return shortest;
}

CLI::Option* AddCount(CLI::App* app, const std::string& name, int64_t* value, int64_t least,
                      const std::string& description) {
  auto check = [least](const std::string& text) {
    const std::optional<int64_t> n = ParseWhole(text);
    return n && *n >= least ? std::string()
                            : StrCat("'", text, "' is not a whole number of at least ", least);
  };
  return app->add_option(name, *value, description)
      ->check(CLI::Validator(check, ""))
      ->type_name("N");
}

CLI::Option* AddSize(CLI::App* app, const std::string& name, uint64_t* bytes,
                     const std::string& description) {
  auto set = [bytes](const std::string& text) { *bytes = ParseSize(text).value_or(0); };
  auto check = [](const std::string& text) {
    return ParseSize(text) ? std::string()
                           : StrCat("'", text, "' is not a size; write it as 800M or 4G");
  };
  return app->add_option_function<std::string>(name, set, description)
      ->check(CLI::Validator(check, ""))
      ->type_name("SIZE");
}

CLI::Option* AddDuration(CLI::App* app, const std::string& name, double* seconds,
                         const std::string& description) {
  auto set = [seconds](const std::string& text) { *seconds = ParseDuration(text).value_or(0); };
  auto check = [](const std::string& text) {
    return ParseDuration(text) ? std::string()
                               : StrCat("'", text, "' is not a time; write it as 30s, 5m or 2h");
  };
  return app->add_option_function<std::string>(name, set, description)
      ->check(CLI::Validator(check, ""))
      ->type_name("TIME");
}

CLI::Option* AddThreads(CLI::App* app, int* threads, const std::string& description) {
  static constexpr int kMostThreads = 1024;
  auto check = [](const std::string& text) {
    const std::optional<int64_t> n = ParseWhole(text);
    return n && *n >= 0 && *n <= kMostThreads
               ? std::string()
               : StrCat("'", text, "' is not a whole number from 0 to ", kMostThreads);
  };
  return app->add_option("--threads", *threads, description)
      ->check(CLI::Validator(check, ""))
      ->type_name("N");
}

CLI::Option* AddMetric(CLI::App* app, std::optional<Metric>* metric,
                       const std::string& description) {
  std::vector<std::string> names{"auto"};
  for (int i = 0; i < kNumMetrics; ++i) names.emplace_back(MetricName(static_cast<Metric>(i)));
  return AddChoice(app, "--metric", metric, names, ParseMetric,
                   StrCat(description, ": ", Joined(names)));
}

CLI::Option* AddDataType(CLI::App* app, std::optional<DataType>* dtype,
                         const std::string& description) {
  std::vector<std::string> names{"auto"};
  for (int i = 0; i < kNumDataTypes; ++i) {
    names.emplace_back(DataTypeName(static_cast<DataType>(i)));
  }
  return AddChoice(app, "--dtype", dtype, names, ParseDataType,
                   StrCat(description, ": ", Joined(names)));
}

void AddColumns(CLI::App* app, ColumnArgs* args) {
  app->add_option("--columns", args->columns,
                  "Columns of a csv file to take: names of its header or numbers, as lat,lon")
      ->type_name("LIST");
  app->add_option("--key-column", args->key_column, "Column of a csv file that names the vectors")
      ->type_name("NAME");
}

CLI::Option* AddHuge(CLI::App* app, bool* huge) {
  return app->add_flag("--huge", *huge,
                       "Copy the graph to huge pages first: slower to start, faster to search");
}

CLI::Option* AddFormat(CLI::App* app, const std::string& name, std::string* format,
                       const std::string& description) {
  const std::vector<std::string> names = DatasetFormats();
  auto check = [names](const std::string& text) {
    const bool known = std::find(names.begin(), names.end(), text) != names.end();
    return known ? std::string() : StrCat("unknown format '", text, "', expected ", Joined(names));
  };
  return app->add_option(name, *format, description)
      ->check(CLI::Validator(check, ""))
      ->type_name("NAME");
}

Result<Dataset> LoadVectors(const std::string& path, const ReadOptions& options) {
  return storage::IsKithFile(path) ? LoadKith(path, options) : ReadDataset(path, options);
}

Status CheckSameDim(const std::string& queries_path, size_t queries_dim, const std::string& path,
                    size_t dim) {
  if (queries_dim == dim) return Status::Ok();
  return Status::InvalidArgument(StrCat(queries_path, " has ", Plural(queries_dim, "dimension"),
                                        ", but ", path, " has ", dim,
                                        "; use queries of the same kind of vectors"));
}

Status CheckHuge(const IndexInfo& info) {
  if (info.has_graph) return Status::Ok();
  return Status::InvalidArgument(
      StrCat(info.path, " has no graph; leave --huge out, or build it with --index graph"));
}

MetricChoice ChooseMetric(const std::optional<Metric>& asked, const Dataset& dataset) {
  if (asked) return {*asked, "as asked"};
  if (dataset.metric) {
    // These two name their metric; the others only imply it.
    const bool said = dataset.format == "hdf5" || dataset.format == "kith";
    return {*dataset.metric,
            said ? "as the file says" : StrCat("usual for ", dataset.format, " files")};
  }
  switch (dataset.vectors.dtype) {
    case DataType::kBit: return {Metric::kHamming, "usual for vectors of bits"};
    case DataType::kI8:
    case DataType::kU8: return {Metric::kEuclidean, "usual for integer vectors"};
    default: return {Metric::kAngular, "usual for float vectors"};
  }
}

std::string ThreadsText(int threads) {
  return threads == 0 ? "all cores" : Plural(static_cast<uint64_t>(threads), "thread");
}

std::string AccessText(const IndexInfo& info) {
  std::string text = info.has_scan_codes ? "exact, over 8-bit codes" : "exact";
  if (info.has_graph) {
    text +=
        StrCat(", ", GraphLayoutName(info.graph_layout), " graph of degree ", info.graph_degree);
    if (info.graph_code_bits > 0) text += StrCat(" with ", info.graph_code_bits, "-bit codes");
  }
  if (info.has_forest) {
    text += StrCat(", forest of ", Plural(info.num_trees, "tree"), " with up to ",
                   Plural(info.leaf_size, "vector"), " a leaf");
  }
  return text;
}

Json AccessJson(const IndexInfo& info) {
  Json names{"exact"};
  if (info.has_graph) names.push_back("graph");
  if (info.has_forest) names.push_back("forest");
  return names;
}

Json GraphJson(const IndexInfo& info) {
  if (!info.has_graph) return nullptr;
  Json json;
  json["layout"] = GraphLayoutName(info.graph_layout);
  json["degree"] = info.graph_degree;
  json["code_bits"] = info.graph_code_bits;
  json["nodes"] = info.graph_nodes;
  json["visit_bytes"] = info.graph_node_bytes;
  json["bytes"] = info.graph_bytes;
  json["bytes_per_vector"] = GraphBytesPerVector(info);
  return json;
}

double GraphBytesPerVector(const IndexInfo& info) {
  return static_cast<double>(info.graph_bytes) / static_cast<double>(info.num_vectors);
}

std::string Plural(uint64_t n, const std::string& noun) {
  return StrCat(FormatCount(n), " ", noun, n == 1 ? "" : "s");
}

}  // namespace kith::cli
