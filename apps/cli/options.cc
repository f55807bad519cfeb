#include "options.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "common/text.h"
#include "kith/dataset.h"
#include "kith/metric_names.h"

namespace kith::apps::cli {
namespace {

// An option of one word, parsed by `parse`; `fault` says what is wrong with another. The first of
// `names`, which are for the help, leaves *value empty.
template <class T, class Parse, class Fault>
CLI::Option* AddChoice(CLI::App* app, const std::string& name, std::optional<T>* value,
                       const std::vector<std::string>& names, Parse parse, Fault fault,
                       const std::string& description) {
  auto set = [value, parse](const std::string& text) { *value = parse(text); };
  auto check = [names, parse, fault](const std::string& text) {
    return parse(text) || text == names.front() ? std::string() : fault(text);
  };
  return app->add_option_function<std::string>(name, set, StrCat(description, ": ", Joined(names)))
      ->check(CLI::Validator(check, ""))
      ->type_name("NAME");
}

std::string CheckRecall(const std::string& text) {
  const std::optional<double> x = ParseReal(text);
  return x && *x > 0 && *x <= 1
             ? std::string()
             : StrCat("'", text, "' is not a recall, a share above 0 and up to 1, as 0.95");
}

}  // namespace

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

CLI::Option* AddEffort(CLI::App* app, int64_t* value, const std::string& description) {
  constexpr double kMost = 1e18;  // which int64 has room for
  const auto set = [value](const std::string& text) {
    *value = static_cast<int64_t>(std::ceil(ParseReal(text).value_or(1)));
  };
  const auto check = [](const std::string& text) {
    const std::optional<double> x = ParseReal(text);
    return x && *x >= 1 && *x <= kMost ? std::string()
                                       : StrCat("'", text, "' is not a number of at least 1");
  };
  return app->add_option_function<std::string>("--effort", set, description)
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
  return AddChoice(app, "--metric", metric, names, ParseMetric, UnknownMetric, description);
}

CLI::Option* AddDataType(CLI::App* app, std::optional<DataType>* dtype,
                         const std::string& description) {
  std::vector<std::string> names{"auto"};
  for (int i = 0; i < kNumDataTypes; ++i) {
    names.emplace_back(DataTypeName(static_cast<DataType>(i)));
  }
  const auto fault = [names](const std::string& text) {
    return StrCat("unknown value '", Printable(text), "', expected ", Joined(names));
  };
  return AddChoice(app, "--dtype", dtype, names, ParseDataType, fault, description);
}

CLI::Option* MustHaveName(CLI::Option* option) {
  auto check = [](const std::string& text) {
    return text != "-" ? std::string()
                       : "a .kith file is mapped where it lies and can't come from standard input; "
                         "give its name (./- for a file named -)";
  };
  return option->check(CLI::Validator(check, ""));
}

CLI::Option* AddKithFile(CLI::App* app, std::string* file, const std::string& description) {
  return MustHaveName(app->add_option("FILE", *file, description)->required()->option_text(" "));
}

CLI::Option* AddDataset(CLI::App* app, std::string* dataset, const std::string& description,
                        const std::string& name) {
  return app->add_option(name, *dataset, description)->type_name("NAME");
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

CLI::Option* AddRecall(CLI::App* app, double* recall, const std::string& description) {
  return app->add_option("--recall", *recall, description)
      ->check(CLI::Validator(CheckRecall, ""))
      ->type_name("R");
}

CLI::Option* AddRecalls(CLI::App* app, std::vector<double>* recalls,
                        const std::string& description) {
  return app->add_option("--recall", *recalls, description)
      ->check(CLI::Validator(CheckRecall, ""))
      ->delimiter(',')
      ->option_text("R,...")
      ->allow_extra_args(false);
}

CLI::Option* AddWorst(CLI::App* app, double* worst) {
  return app
      ->add_option("--worst", *worst,
                   "The recall that 95 % of the queries are to reach, as 0.8; hard ones get more "
                   "effort. Beside --recall or instead")
      ->check(CLI::Validator(CheckRecall, ""))
      ->type_name("R");
}

CLI::Option* AddDrift(CLI::App* app, std::string* drift) {
  return app
      ->add_option("--drift", *drift,
                   "What to do about queries unlike those that recall was measured with: warn, "
                   "widen (the farther, the more effort) or off")
      ->check(CLI::IsMember({"warn", "widen", "off"}).description(""))
      ->type_name("NAME");
}

Status CheckHuge(const IndexInfo& info) {
  if (info.has(IndexKind::kGraph)) return Status::Ok();
  return Status::InvalidArgument(
      StrCat(info.path, " has no graph; leave --huge out, or build it with --index graph"));
}

void CheckTsvName(const std::string& path, const std::vector<std::string>& also) {
  const std::string extension = std::filesystem::path(path).extension().string();
  for (const char* other : {".csv", ".json", ".jsonl", ".npy", ".npz"}) {
    if (extension != other || std::find(also.begin(), also.end(), extension) != also.end())
      continue;
    std::string names = ".tsv";
    for (const std::string& name : also) names += StrCat(" or ", name);
    throw CLI::ValidationError("--output",
                               StrCat("writes no ", extension, " file; name it ", names));
  }
}

}  // namespace kith::apps::cli
