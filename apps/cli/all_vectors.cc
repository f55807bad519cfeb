#include "all_vectors.h"

#include "common/read_vectors.h"
#include "common/text.h"
#include "options.h"

namespace kith::apps::cli {

void AddAllVectors(CLI::App* app, AllVectorsArgs* args) {
  app->add_option("FILE", args->file, "A .kith file, or any file of vectors")
      ->required()
      ->option_text(" ");
  AddDataset(app, &args->dataset, "Of an hdf5 file, the dataset to take instead of \"train\"");
  AddMetric(app, &args->metric, "What near means, of a file that is no .kith file");
}

Result<std::unique_ptr<Index>> IndexOfAll(const AllVectorsArgs& args, bool exact, int threads,
                                          const Progress& progress) {
  if (args.file != "-" && IsKithFile(args.file)) {
    KITH_ASSIGN_OR_RETURN(std::unique_ptr<Index> index, OpenIndex(args.file));
    if (args.metric && *args.metric != index->info().metric) {
      return Status::InvalidArgument(
          StrCat(args.file, " was built for ", MetricName(index->info().metric), ", not ",
                 MetricName(*args.metric), "; leave --metric out, or give the vectors' file"));
    }
    return index;
  }
  ReadOptions read;
  read.dataset = args.dataset;
  read.progress = progress;
  KITH_ASSIGN_OR_RETURN(const Dataset dataset, LoadVectors(args.file, read));
  BuildOptions build;
  build.metric = ChooseMetric(args.metric, dataset).metric;
  build.calibrate = false;
  if (!dataset.keys.empty()) build.keys = &dataset.keys;
  build.threads = threads;
  build.progress = progress;
  if (exact) build.paths = {ExactOptions{}};
  return BuildIndexInMemory(dataset.vectors, build);
}

}  // namespace kith::apps::cli
