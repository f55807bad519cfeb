// Pictures of every kind, and what a small network makes of them beside what PyTorch does
// (make.py).
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "kith/pictures.h"

namespace kith {
namespace {

const std::string kData = KITH_PICTURES_DATA;

class EmbedTest : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef KITH_PICTURES_FILE
    setenv("KITH_PICTURES_MODULE", KITH_PICTURES_FILE, 1);
#else
    GTEST_SKIP() << "built without OpenCV: no pictures are embedded";
#endif
  }

  static std::unique_ptr<PictureNetwork> Open(const PictureOptions& options = {},
                                              const std::string& name = "net.onnx") {
    auto network = PictureNetwork::Open(kData + "/" + name, options);
    EXPECT_TRUE(network.ok()) << network.status().message();
    return network.ok() ? std::move(network).value() : nullptr;
  }

  static std::vector<float> Embed(const PictureNetwork& network, const std::string& name) {
    auto vector = network.Embed(kData + "/" + name);
    EXPECT_TRUE(vector.ok()) << vector.status().message();
    return vector.ok() ? std::move(vector).value() : std::vector<float>(network.dim());
  }

  // The largest difference of two vectors' numbers.
  static double Apart(const std::vector<float>& a, const std::vector<float>& b) {
    EXPECT_EQ(a.size(), b.size());
    double most = 0;
    for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::fabs(double{a[i]} - b[i]));
    return most;
  }

  // Line `number` of what PyTorch computed of plain.png.
  static std::vector<float> Expected(int number) {
    std::ifstream file(kData + "/expected.txt");
    std::string line;
    for (int i = 0; i <= number; ++i) std::getline(file, line);
    std::istringstream numbers(line);
    std::vector<float> values;
    for (float value = 0; numbers >> value;) values.push_back(value);
    return values;
  }
};

TEST_F(EmbedTest, IsWhatPyTorchComputes) {
  const auto network = Open();
  ASSERT_NE(network, nullptr);
  EXPECT_EQ(network->dim(), 5u);  // what goes into the last fully connected layer
  EXPECT_LT(Apart(Embed(*network, "shapes/square/plain.png"), Expected(0)), 1e-5);
  std::string pooled;
  std::string planes;
  for (const PictureNetwork::Layer& layer : network->Layers()) {
    if (layer.kind == "Pooling") pooled = layer.name;
    if (layer.shape == "8 x 4 x 4") planes = layer.name;
  }
  EXPECT_LT(Apart(Embed(*Open({.layer = pooled}), "shapes/square/plain.png"), Expected(1)), 1e-5);
  EXPECT_LT(Apart(Embed(*Open({.layer = planes}), "shapes/square/plain.png"), Expected(2)), 1e-5);
}

TEST_F(EmbedTest, PicturesAreTurnedUpright) {
  const auto network = Open();
  const std::vector<float> upright = Embed(*network, "shapes/square/plain.png");
  for (int orientation = 2; orientation <= 8; ++orientation) {
    const std::string name = "shapes/square/turned" + std::to_string(orientation) + ".png";
    EXPECT_EQ(Apart(Embed(*network, name), upright), 0) << name;
  }
  EXPECT_EQ(Apart(Embed(*network, "shapes/square/turned6.webp"), upright), 0);
  EXPECT_LT(Apart(Embed(*network, "shapes/square/turned6.jpg"), upright), 0.02);
}

TEST_F(EmbedTest, GreyAlphaAndOtherKinds) {
  const auto network = Open();
  const std::vector<float> grey = Embed(*network, "kinds/grey_as_rgb.png");
  EXPECT_EQ(Apart(Embed(*network, "kinds/grey.png"), grey), 0);
  EXPECT_LT(Apart(Embed(*network, "kinds/grey.jpg"), grey), 0.02);
  const std::vector<float> on_white = Embed(*network, "kinds/alpha_on_white.png");
  EXPECT_LT(Apart(Embed(*network, "kinds/alpha.png"), on_white), 1e-3);
  EXPECT_LT(Apart(Embed(*network, "kinds/alpha.webp"), on_white), 1e-3);
  const std::vector<float> half = Embed(*network, "kinds/half_on_white.png");
  EXPECT_EQ(Apart(Embed(*network, "kinds/half.png"), half), 0);
  EXPECT_EQ(Apart(Embed(*network, "kinds/half.webp"), half), 0);
  const std::vector<float> colour = Embed(*network, "shapes/square/plain.png");
  EXPECT_GT(Apart(colour, grey), 0.02);
  EXPECT_EQ(Apart(Embed(*network, "kinds/deep.png"), colour), 0);  // 16 bits, the same picture
  EXPECT_LT(Apart(Embed(*network, "kinds/progressive.jpg"), colour), 0.03);
  EXPECT_LT(Apart(Embed(*network, "kinds/cmyk.jpg"), colour), 0.03);
  // Ten times as large, of which the square in the middle is looked at.
  EXPECT_LT(Apart(Embed(*network, "kinds/large.jpg"), colour), 0.03);
}

TEST_F(EmbedTest, OptionsGoBeforeTheFileAndThatBeforeWhatIsUsual) {
  PictureOptions same;
  same.crop = 1;
  same.mean = {100, 110, 120};
  same.std = {50, 60, 70};
  const auto noted = Open();
  const auto told = Open(same, "plain.onnx");
  const std::string name = "shapes/square/plain.png";
  EXPECT_EQ(Apart(Embed(*noted, name), Embed(*told, name)), 0);
  EXPECT_GT(Apart(Embed(*noted, name), Embed(*Open({}, "plain.onnx"), name)), 0.005);
  EXPECT_NE(Open({}, "plain.onnx")->origin().find("size 16\ncrop 0.875\n"), std::string::npos);
  EXPECT_GT(Apart(Embed(*noted, name), Embed(*Open({.crop = 0.5}), name)), 0.01);
}

TEST_F(EmbedTest, FoldersInOrderWithLabelsAndBrokenPicturesSkipped) {
  const auto network = Open();
  const auto all = EmbedPictures({kData + "/shapes", kData + "/broken", kData + "/kinds/gr*.png"},
                                 *network, {.threads = 1});
  ASSERT_TRUE(all.ok()) << all.status().message();
  ASSERT_EQ(all->keys.size(), 12u);
  EXPECT_EQ(all->keys[0], kData + "/shapes/square/plain.png");
  EXPECT_EQ(all->labels[0], "square");
  EXPECT_EQ(all->keys[11], kData + "/kinds/grey_as_rgb.png");
  EXPECT_EQ(all->labels[11], "kinds");
  ASSERT_EQ(all->skipped.size(), 6u);
  const char* const why[] = {"damaged JPEG", "damaged PNG", "damaged WebP",
                             "is empty",     "animated",    "is no JPEG, PNG or WebP"};
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_NE(all->skipped[i].why.find(why[i]), std::string::npos)
        << all->skipped[i].name << ": " << all->skipped[i].why;
  }
  EXPECT_EQ(all->vectors.size(), 12u * 5u);
  const std::vector<float> last(all->vectors.end() - 5, all->vectors.end());
  EXPECT_EQ(last, Embed(*network, "kinds/grey_as_rgb.png"));
  const auto threads = EmbedPictures(
      {kData + "/shapes", kData + "/broken", kData + "/kinds/gr*.png"}, *network, {.threads = 3});
  ASSERT_TRUE(threads.ok());
  EXPECT_EQ(threads->vectors, all->vectors);
}

TEST_F(EmbedTest, Archives) {
  const auto network = Open();
  for (const char* const name : {"all.zip", "all.tar", "all.tar.gz"}) {
    const auto all = EmbedPictures({kData + "/" + name}, *network);
    ASSERT_TRUE(all.ok()) << all.status().message();
    const size_t count = std::string(name) == "all.zip" ? 2 : 3;
    ASSERT_EQ(all->keys.size(), count) << name;
    EXPECT_EQ(all->keys[0], kData + "/" + name + "/a/plain.png");
    EXPECT_EQ(all->labels[0], "a");
    EXPECT_EQ(all->keys[1], kData + "/" + name + "/b/turned6.jpg");
    const std::vector<float> first(all->vectors.begin(), all->vectors.begin() + 5);
    const std::vector<float> second(all->vectors.begin() + 5, all->vectors.begin() + 10);
    EXPECT_EQ(first, Embed(*network, "shapes/square/plain.png"));
    EXPECT_EQ(second, Embed(*network, "shapes/square/turned6.jpg"));
    EXPECT_TRUE(count == 2 || all->keys[2].ends_with("long-long-name.png"));
  }
}

TEST_F(EmbedTest, QueriesAreMadeAsTheVectorsWere) {
  const auto network = Open({.crop = 0.5});
  const auto again = PictureNetwork::OpenFor(network->origin(), kData);
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ((*again)->origin(), network->origin());
  const std::string name = "shapes/square/plain.png";
  EXPECT_EQ(Embed(**again, name), Embed(*network, name));
  const auto refused = [&](const std::string& origin, const std::string& model, const char* words) {
    const auto opened = PictureNetwork::OpenFor(origin, "/nowhere", model);
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.status().message().find(words), std::string::npos)
        << opened.status().message();
  };
  refused(network->origin(), "", "--model");
  refused(network->origin(), kData + "/plain.onnx", "another network");
  refused("", "", "kith embed");
  refused("made by hand", "", "kith embed");
  refused("kith pictures 2\n", "", "newer kith");
  std::string lies = network->origin();
  lies.replace(lies.find("crop 0.5"), 8, "crop 5.0");
  refused(lies, "", "crop");
}

TEST_F(EmbedTest, FaultsAreNamed) {
  const auto fails = [](const auto& result, StatusCode code, const std::string& words) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), code) << result.status().message();
    EXPECT_NE(result.status().message().find(words), std::string::npos)
        << result.status().message();
  };
  const auto open = [](const std::string& name, const PictureOptions& options = {}) {
    return PictureNetwork::Open(kData + "/" + name, options);
  };
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  fails(open("none.onnx"), StatusCode::kNotFound, "none.onnx");
  fails(open("expected.txt"), kInvalid, "is no network");
  fails(open("net.onnx", {.layer = "no such"}), kInvalid, "no layer 'no such'");
  fails(open("net.onnx", {.size = 7}), kInvalid, "8 to 4096");
  fails(open("net.onnx", {.crop = 1.5}), kInvalid, "crop");
  fails(open("net.onnx", {.std = std::array<double, 3>{1, 0, 1}}), kInvalid, "above 0");
  const auto network = Open();
  fails(network->Embed(kData + "/broken/text.jpg"), kInvalid, "text.jpg: is no JPEG");
  fails(EmbedPictures({kData + "/nothing*"}, *network), StatusCode::kNotFound, "nothing*");
  fails(EmbedPictures({}, *network), kInvalid, "no pictures");
  fails(EmbedPictures({kData + "/broken"}, *network), kInvalid, "none of the 6 pictures");
  fails(EmbedPictures({kData + "/broken", kData + "/shapes"}, *network, {.strict = true}), kInvalid,
        "cut.jpg: damaged JPEG");
  std::stop_source stopped;
  stopped.request_stop();
  fails(EmbedPictures({kData + "/shapes"}, *network, {.stop = stopped.get_token()}), kInvalid,
        "cancelled");
}

}  // namespace
}  // namespace kith
