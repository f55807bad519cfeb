#include "kith/status.h"

namespace kith {
namespace {

const char* RemedyText(Remedy remedy) {
  switch (remedy) {
    case Remedy::kNone: break;
    case Remedy::kSearchExactly: return "ask for less, or search exactly (IndexKind::kExact)";
    case Remedy::kMeasureRecall:
      return "measure it (CalibrateIndex), give an effort, or search exactly (IndexKind::kExact)";
  }
  return "";
}

}  // namespace

Status::Status(StatusCode code, const std::string& fault, Remedy remedy)
    : code_(code), remedy_(remedy), fault_size_(fault.size()), message_(fault) {
  if (remedy_ != Remedy::kNone) message_ = MessageWith(RemedyText(remedy_));
}

const char* StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "ok";
    case StatusCode::kInvalidArgument: return "invalid argument";
    case StatusCode::kNotFound: return "not found";
    case StatusCode::kCorruption: return "corruption";
    case StatusCode::kUnsupported: return "unsupported";
    case StatusCode::kIoError: return "I/O error";
    case StatusCode::kOutOfMemory: return "out of memory";
    case StatusCode::kInternal: return "internal error";
  }
  return "unknown";
}

}  // namespace kith
