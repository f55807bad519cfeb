#include "simd/kernels.h"

#include <hwy/highway.h>
#include <hwy/targets.h>

#include <cctype>
#include <cstdlib>

#include "base/strings.h"
#include "simd/targets.h"

namespace kith::simd {
namespace {

std::string Lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::vector<Kernels> CollectKernels() {
  std::vector<Kernels> all;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    Kernels kernels;
    kernels.target = hwy::TargetName(target);
    FillFloatKernels(&kernels);
    FillIntegerKernels(&kernels);
    FillCodeKernels(&kernels);
    FillTreeKernels(&kernels);
    FillHadamardKernels(&kernels);
    FillMultiplyKernels(&kernels);
    FillOuterKernels(&kernels);
    FillSelectKernels(&kernels);
    FillScreenKernels(&kernels);
    FillEdgeKernels(&kernels);
    all.push_back(kernels);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return all;
}

// The table with this name, or nullptr.
const Kernels* FindTarget(std::string_view name) {
  for (const Kernels& kernels : AvailableKernels()) {
    if (Lower(kernels.target) == Lower(name)) return &kernels;
  }
  return nullptr;
}

const char* RequestedTarget() {
  const char* name = std::getenv("KITH_SIMD");
  return name == nullptr ? "" : name;
}

const Kernels*& Chosen() {
  static const Kernels* chosen = [] {
    const Kernels* requested = FindTarget(RequestedTarget());
    return requested != nullptr ? requested : &AvailableKernels().front();
  }();
  return chosen;
}

Status NoSuchTarget(std::string_view name) {
  std::string known;
  for (const Kernels& kernels : AvailableKernels()) {
    known += (known.empty() ? "" : ", ") + Lower(kernels.target);
  }
  return Status::Unsupported(StrCat("KITH_SIMD: target '", name,
                                    "' is not available on this machine; choose one of: ", known));
}

}  // namespace

const std::vector<Kernels>& AvailableKernels() {
  static const std::vector<Kernels> all = CollectKernels();
  return all;
}

const Kernels& GetKernels() { return *Chosen(); }

Status CheckTarget() {
  const std::string_view name = RequestedTarget();
  if (!name.empty() && FindTarget(name) == nullptr) return NoSuchTarget(name);
  return Status::Ok();
}

Status ForceTarget(std::string_view name) {
  const Kernels* kernels = name.empty() ? &AvailableKernels().front() : FindTarget(name);
  if (kernels == nullptr) return NoSuchTarget(name);
  Chosen() = kernels;
  return Status::Ok();
}

}  // namespace kith::simd
