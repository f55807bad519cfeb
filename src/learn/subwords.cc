// OpenSubwords: what a model of fastText makes of words that it has not.
#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/edge.h"
#include "base/file.h"
#include "base/strings.h"
#include "data/fasttext.h"
#include "kith/words.h"

namespace kith::learn {
namespace {

class FastTextSubwords final : public Subwords {
 public:
  explicit FastTextSubwords(data::Input input) : input_(std::move(input)) {}

  const std::string& path() const override { return input_.path; }

  Result<std::vector<float>> VectorOf(std::string_view word) const override {
    return CatchAll([&]() -> Result<std::vector<float>> {
      KITH_ASSIGN_OR_RETURN(const data::FastTextModel* const model, Model());
      std::vector<float> vector(model->dim());
      if (!model->SubwordVector(word, vector.data())) {
        return Status::NotFound(
            StrCat("no subword of '", Printable(word), "' is as long as those of ", path()));
      }
      if (std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); })) {
        return vector;
      }
      return Status::InvalidArgument(StrCat(path(), ": the subwords of '", Printable(word),
                                            "' hold a value that is not finite; the model is ",
                                            "damaged"));
    });
  }

 private:
  // Where the matrix begins is known only behind the dictionary, which most calls need not read.
  Result<const data::FastTextModel*> Model() const {
    const std::scoped_lock lock(mutex_);
    if (!model_) {
      KITH_ASSIGN_OR_RETURN(model_, data::FastTextModel::Open(input_, nullptr));
    }
    return &*model_;
  }

  const data::Input input_;
  mutable std::mutex mutex_;
  mutable std::optional<data::FastTextModel> model_;
};

}  // namespace
}  // namespace kith::learn

namespace kith {

Result<std::shared_ptr<const Subwords>> OpenSubwords(const std::string& path) {
  return AtEdge(path, "", [&]() -> Result<std::shared_ptr<const Subwords>> {
    KITH_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
    if (!data::IsFastText(file->bytes())) return std::shared_ptr<const Subwords>();
    return std::shared_ptr<const Subwords>(
        std::make_shared<learn::FastTextSubwords>(data::Input{path, file->bytes(), file}));
  });
}

}  // namespace kith
