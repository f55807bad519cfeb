// Networks run by OpenCV, and what the module exports.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <utility>
#include <vector>

#include "picture_module/decode.h"
#include "picture_module/interface.h"

namespace kith::picture_module {

struct Net {
  cv::dnn::Net net;
  Settings settings = {};
  std::string layer;  // as OpenCV calls it
  size_t dim = 0;
};

namespace {

// OpenCV's own names of layers are those of the file behind this.
constexpr char kPrefix[] = "onnx_node!";

void Put(const std::string& text, Message* message) {
  std::snprintf(message->text, sizeof(message->text), "%s", text.c_str());
}

// Of a message of OpenCV, what tells of the fault.
std::string Told(const cv::Exception& error) {
  std::string text = error.err.empty() ? error.what() : error.err;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string ShownName(const std::string& name) {
  return name.rfind(kPrefix, 0) == 0 ? name.substr(sizeof(kPrefix) - 1) : name;
}

// Calls fn; what it throws becomes an Outcome and a message.
template <class Fn>
int Guarded(Message* message, const Fn& fn) {
  try {
    return fn();
  } catch (const cv::Exception& error) {
    Put(Told(error), message);
    return error.code == cv::Error::StsNoMem ? kFailed : kBroken;
  } catch (const std::bad_alloc&) {
    Put("out of memory", message);
  } catch (const std::exception& error) {
    Put(error.what(), message);
  }
  return kFailed;
}

// The layer that goes into the last fully connected one: the features of which the classes are
// told. Where there is no such layer, the last one.
std::string FeatureLayer(cv::dnn::Net& net) {
  const std::vector<cv::String> names = net.getLayerNames();
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const int id = net.getLayerId(*name);
    if (net.getLayer(id)->type != "InnerProduct") continue;
    const auto inputs = net.getLayerInputs(id);
    if (!inputs.empty() && !inputs[0]->name.empty()) return inputs[0]->name;
  }
  return names.empty() ? "" : names.back();
}

// OpenCV's name of a layer that is called `name` in the file; "" if there is none.
std::string FindLayer(const cv::dnn::Net& net, const std::string& name) {
  const std::vector<cv::String> names = net.getLayerNames();
  for (const std::string& called : {name, kPrefix + name}) {
    if (std::find(names.begin(), names.end(), called) != names.end()) return called;
  }
  return "";
}

// The picture upright: EXIF counts what has to be undone.
cv::Mat Upright(const cv::Mat& picture, int orientation) {
  cv::Mat out = picture;
  if (orientation >= 5) cv::transpose(picture, out);
  const bool mirrored =
      orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool overturned =
      orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  if (!mirrored && !overturned) return out;
  cv::Mat flipped;
  cv::flip(out, flipped, mirrored && overturned ? -1 : mirrored ? 1 : 0);
  return flipped;
}

// The square in the middle, of the network's size, as it is put in: [1, 3, size, size].
cv::Mat Input(const Picture& picture, const Settings& settings) {
  const cv::Mat given(picture.height, picture.width, CV_8UC3,
                      const_cast<uint8_t*>(picture.rgb.data()));
  const cv::Mat whole = Upright(given, picture.orientation);
  const int shorter = std::min(whole.cols, whole.rows);
  const int side = std::max(1, static_cast<int>(std::lround(shorter * settings.crop)));
  const cv::Mat square =
      whole(cv::Rect((whole.cols - side) / 2, (whole.rows - side) / 2, side, side));
  const int size = settings.size;
  cv::Mat resized = square;
  if (side != size) {
    cv::resize(square, resized, cv::Size(size, size), 0, 0,
               side > size ? cv::INTER_AREA : cv::INTER_LINEAR);
  }
  const int shape[] = {1, 3, size, size};
  cv::Mat input(4, shape, CV_32F);
  for (int y = 0; y < size; ++y) {
    const uint8_t* const row = resized.ptr<uint8_t>(y);
    for (int c = 0; c < 3; ++c) {
      const auto mean = static_cast<float>(settings.mean[c]);
      const auto scale = static_cast<float>(1 / settings.std[c]);
      float* const out = input.ptr<float>(0, c) + static_cast<ptrdiff_t>(y) * size;
      for (int x = 0; x < size; ++x) out[x] = (static_cast<float>(row[3 * x + c]) - mean) * scale;
    }
  }
  return input;
}

// What the layer gives, one number a channel: the mean where a channel is a plane.
cv::Mat Run(Net* net, const cv::Mat& input) {
  net->net.setInput(input);
  cv::Mat given = net->net.forward(net->layer);
  if (given.dims > 2 && given.size[0] == 1 && given.total() > static_cast<size_t>(given.size[1])) {
    const cv::Mat planes = given.reshape(1, given.size[1]);
    cv::Mat means;
    cv::reduce(planes, means, 1, cv::REDUCE_AVG, CV_32F);
    return means.reshape(1, 1);
  }
  return given.reshape(1, 1);
}

Net* Open(const Settings* settings, Message* message, int* failed) {
  std::unique_ptr<Net> net;
  const int outcome = Guarded(message, [&] {
    // The threads are the caller's, one network each; and what goes wrong is in what is thrown.
    cv::setNumThreads(1);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    net = std::make_unique<Net>();
    net->net = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(settings->model),
                                        settings->model_size);
    net->net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net->settings = *settings;
    const std::string wanted = settings->layer;
    net->layer = wanted.empty() ? FeatureLayer(net->net) : FindLayer(net->net, wanted);
    net->settings.model = nullptr;
    net->settings.layer = nullptr;
    if (net->layer.empty()) {
      Put(wanted.empty() ? "it has no layers" : "it has no layer '" + wanted + "'", message);
      return static_cast<int>(kBroken);
    }
    const int shape[] = {1, 3, settings->size, settings->size};
    net->dim = Run(net.get(), cv::Mat(4, shape, CV_32F, cv::Scalar(0))).total();
    return static_cast<int>(kDone);
  });
  *failed = outcome == kFailed ? 1 : 0;
  return outcome == kDone ? net.release() : nullptr;
}

int Embed(Net* net, const uint8_t* bytes, size_t size, float* out, Message* message) {
  return Guarded(message, [&] {
    Picture picture;
    std::string why;
    const int least = static_cast<int>(std::ceil(net->settings.size / net->settings.crop));
    if (!Decode(bytes, size, least, &picture, &why)) {
      Put(why, message);
      return static_cast<int>(kBroken);
    }
    const cv::Mat features = Run(net, Input(picture, net->settings));
    for (size_t i = 0; i < net->dim; ++i) {
      out[i] = features.at<float>(static_cast<int>(i));
      if (std::isfinite(out[i])) continue;
      Put("the network gives no finite numbers for it", message);
      return static_cast<int>(kBroken);
    }
    return static_cast<int>(kDone);
  });
}

std::string ShapeText(const cv::dnn::MatShape& shape) {
  std::string text;
  for (size_t i = 1; i < shape.size(); ++i) text += (i > 1 ? " x " : "") + std::to_string(shape[i]);
  return text.empty() ? "1" : text;
}

void Layers(Net* net, void (*tell)(void*, const char*, const char*, const char*), void* to) {
  Message ignored{};
  Guarded(&ignored, [&] {
    std::vector<int> ids;
    std::vector<std::vector<cv::dnn::MatShape>> in;
    std::vector<std::vector<cv::dnn::MatShape>> out;
    const int size = net->settings.size;
    net->net.getLayersShapes(cv::dnn::MatShape{1, 3, size, size}, ids, in, out);
    for (size_t i = 1; i < ids.size(); ++i) {  // the first is the input
      const auto layer = net->net.getLayer(ids[i]);
      const std::string name = ShownName(layer->name);
      const std::string shape = out[i].empty() ? "" : ShapeText(out[i][0]);
      tell(to, name.c_str(), layer->type.c_str(), shape.c_str());
    }
    return static_cast<int>(kDone);
  });
}

const char* LayerOf(const Net* net) {
  const bool prefixed = net->layer.rfind(kPrefix, 0) == 0;
  return net->layer.c_str() + (prefixed ? sizeof(kPrefix) - 1 : 0);
}

const Functions kFunctions = {
    kVersion,
    &Open,
    [](Net* net) { delete net; },
    [](const Net* net) { return net->dim; },
    &LayerOf,
    &Embed,
    &Layers,
};

}  // namespace
}  // namespace kith::picture_module

extern "C" __attribute__((visibility("default"))) const kith::picture_module::Functions*
KithPictures(int version);

const kith::picture_module::Functions* KithPictures(int version) {
  return version == kith::picture_module::kVersion ? &kith::picture_module::kFunctions : nullptr;
}
