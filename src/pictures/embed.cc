// EmbedPictures: all pictures that are named, on all threads.
#include <atomic>
#include <cstring>
#include <optional>
#include <utility>

#include "base/edge.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "kith/pictures.h"
#include "pictures/network.h"
#include "pictures/sources.h"

namespace kith::pictures {
namespace {

// What a thread keeps from one picture to the next.
struct Scratch {
  std::optional<Net> net;
  std::vector<std::byte> bytes;
};

// Whether the picture is at fault, and not the machine.
bool IsOfThePicture(const Status& status) {
  return status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kNotFound ||
         status.code() == StatusCode::kIoError;
}

// What is wrong with a picture, without its name, which some messages begin with.
std::string WhyOf(const Source& source, const Status& status) {
  std::string why = status.message();
  if (why.starts_with(source.key + ": ")) why.erase(0, source.key.size() + 2);
  return why;
}

Status EmbedAll(const Sources& sources, const PictureNetwork& network, const EmbedOptions& options,
                ThreadPool& pool, float* vectors, std::vector<Status>* faults) {
  const size_t dim = network.dim();
  std::vector<Scratch> scratch(static_cast<size_t>(pool.size()));
  std::atomic<uint64_t> done = 0;
  auto embed = [&](size_t i, int thread) -> Status {
    Scratch& own = scratch[static_cast<size_t>(thread)];
    if (!own.net) {
      KITH_ASSIGN_OR_RETURN(own.net, network.state().Take());
    }
    const auto one = [&]() -> Status {
      KITH_ASSIGN_OR_RETURN(const auto bytes, sources[i]->Read(&own.bytes));
      return own.net->Embed(bytes, vectors + i * dim);
    };
    Status status = one();
    const uint64_t so_far = done.fetch_add(1, std::memory_order_relaxed) + 1;
    if (thread == 0) {
      KITH_RETURN_IF_ERROR(pool.Report(options.progress, "pictures", so_far, sources.size()));
    }
    if (status.ok()) return status;
    if (!IsOfThePicture(status) || options.strict) {
      return Status(status.code(),
                    StrCat(Printable(sources[i]->key), ": ", WhyOf(*sources[i], status)));
    }
    (*faults)[i] = std::move(status);
    return Status::Ok();
  };
  KITH_RETURN_IF_ERROR(pool.For(sources.size(), embed));
  for (Scratch& own : scratch) {
    if (own.net) network.state().GiveBack(std::move(*own.net));
  }
  return Status::Ok();
}

Result<EmbeddedPictures> Embedded(const std::vector<std::string>& names,
                                  const PictureNetwork& network, const EmbedOptions& options) {
  ThreadPool pool(options.threads, options.stop);
  KITH_RETURN_IF_ERROR(pool.Report(options.progress, "listing", 0, 0));
  KITH_ASSIGN_OR_RETURN(const Sources sources, FindPictures(names, options.progress));
  EmbeddedPictures out;
  const size_t dim = out.dim = network.dim();
  out.vectors.resize(sources.size() * dim);
  std::vector<Status> faults(sources.size());
  KITH_RETURN_IF_ERROR(EmbedAll(sources, network, options, pool, out.vectors.data(), &faults));
  size_t count = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::string& key = sources[i]->key;
    if (!faults[i].ok()) {
      out.skipped.push_back({key, WhyOf(*sources[i], faults[i])});
      continue;
    }
    if (count != i) {
      std::memcpy(&out.vectors[count * dim], &out.vectors[i * dim], dim * sizeof(float));
    }
    ++count;
    out.keys.Add(key);
    out.labels.Add(LabelOf(key));
  }
  out.vectors.resize(count * dim);
  if (count > 0) return out;
  return Status::InvalidArgument(StrCat("none of the ", Plural(sources.size(), "picture"),
                                        " can be embedded; the first, ",
                                        Printable(out.skipped[0].name), ": ", out.skipped[0].why));
}

}  // namespace
}  // namespace kith::pictures

namespace kith {

Result<EmbeddedPictures> EmbedPictures(const std::vector<std::string>& sources,
                                       const PictureNetwork& network, const EmbedOptions& options) {
  return AtEdge("", "embed fewer pictures at a time, or with fewer threads",
                [&] { return pictures::Embedded(sources, network, options); });
}

}  // namespace kith
