#include "all_vectors.h"

#include "common/labels.h"
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
  ReadOptions read;
  read.dataset = args.dataset;
  read.progress = progress;
  return OpenOrIndexForAll(args.file, args.metric, read, exact, threads);
}

}  // namespace kith::apps::cli
