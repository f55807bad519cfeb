// Archives that are damaged in every place: an error or other pictures, and nothing worse.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "pictures/sources.h"

namespace kith::pictures {
namespace {

using Buffer = std::vector<std::byte>;

std::shared_ptr<Buffer> ReadArchive(const std::string& name) {
  std::ifstream file(std::string(KITH_PICTURES_DATA) + "/" + name, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return std::make_shared<Buffer>(begin, begin + text.size());
}

// Lists an archive and reads all that is in it.
Status ReadAll(const std::shared_ptr<Buffer>& archive, size_t* count) {
  Sources sources;
  if (IsZip(*archive)) {
    KITH_RETURN_IF_ERROR(ListZip("it", archive, *archive, &sources));
  } else if (IsTar(*archive)) {
    KITH_RETURN_IF_ERROR(ListTar("it", archive, *archive, &sources));
  } else {
    return Status::InvalidArgument("is no archive");
  }
  uint64_t sum = 0;
  for (const auto& source : sources) {
    Buffer buffer;
    KITH_ASSIGN_OR_RETURN(const auto bytes, source->Read(&buffer));
    for (const std::byte b : bytes) sum += std::to_integer<uint64_t>(b);  // may all be read
  }
  *count = sum > 0 ? sources.size() : 0;
  return Status::Ok();
}

class ArchivesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ArchivesTest, WholeOnesAreReadWithoutWhatIsHidden) {
  size_t count = 0;
  ASSERT_TRUE(ReadAll(ReadArchive(GetParam()), &count).ok());
  EXPECT_EQ(count, std::string(GetParam()) == "all.zip" ? 2u : 3u);
}

TEST_P(ArchivesTest, CutAtAnyByte) {
  const auto whole = ReadArchive(GetParam());
  size_t refused = 0;
  for (size_t size = 0; size < whole->size(); ++size) {
    const auto cut = std::make_shared<Buffer>(whole->begin(), whole->begin() + size);
    cut->shrink_to_fit();
    size_t count = 0;
    refused += ReadAll(cut, &count).ok() ? 0 : 1;
  }
  // Of tar, the end is zeros, and files that end with a block are whole.
  EXPECT_GT(refused, whole->size() / 4);
}

TEST_P(ArchivesTest, BytesChangedByChance) {
  const auto whole = ReadArchive(GetParam());
  Rng rng(5);
  size_t refused = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto changed = std::make_shared<Buffer>(*whole);
    for (uint32_t k = 0; k <= rng.Below(3); ++k) {
      const auto at = rng.Below(static_cast<uint32_t>(changed->size()));
      (*changed)[at] = static_cast<std::byte>(rng.Below(3) == 0 ? 0xFF : rng.Below(256));
    }
    size_t count = 0;
    refused += ReadAll(changed, &count).ok() ? 0 : 1;
  }
  EXPECT_GT(refused, 50u);
}

// A byte of what is stored decodes to another picture, or to the same with a wrong checksum.
TEST(ZipTest, ChecksumsOfFilesAreChecked) {
  const auto archive = ReadArchive("all.zip");
  size_t count = 0;
  ASSERT_TRUE(ReadAll(archive, &count).ok());
  const std::string text(reinterpret_cast<const char*>(archive->data()), archive->size());
  const size_t stored = text.find("\x89PNG");
  ASSERT_NE(stored, std::string::npos);
  for (const size_t at : {stored + 16, stored + 100, text.find("b/turned6.jpg") + 40}) {
    const auto changed = std::make_shared<Buffer>(*archive);
    (*changed)[at] ^= std::byte{1};
    const Status status = ReadAll(changed, &count);
    EXPECT_EQ(status.message(), "is damaged in its zip archive") << at;
  }
}

TEST(TarTest, NamesThatLeadOutsideAreSaid) {
  const auto archive = ReadArchive("all.tar");
  const std::string old_name = "a/plain.png";
  const std::string name = "../evil.png";
  ASSERT_EQ(name.size(), old_name.size());
  const std::string text(reinterpret_cast<const char*>(archive->data()), archive->size());
  size_t at = text.find(old_name);
  ASSERT_EQ(at % 512, 0u) << "the name is to be in a header";
  for (size_t i = 0; i < name.size(); ++i) (*archive)[at + i] = static_cast<std::byte>(name[i]);
  int change = 0;
  for (size_t i = 0; i < name.size(); ++i) change += name[i] - old_name[i];
  const int sum = std::stoi(text.substr(at + 148, 6), nullptr, 8) + change;
  char digits[7];
  std::snprintf(digits, sizeof(digits), "%06o", static_cast<unsigned>(sum));
  for (size_t i = 0; i < 6; ++i) (*archive)[at + 148 + i] = static_cast<std::byte>(digits[i]);
  Sources sources;
  ASSERT_TRUE(ListTar("it", archive, *archive, &sources).ok());
  size_t found = 0;
  for (const auto& source : sources) {
    if (source->key != "it/../evil.png") continue;
    ++found;
    Buffer buffer;
    EXPECT_NE(source->Read(&buffer).status().message().find("out of its archive"),
              std::string::npos);
  }
  EXPECT_EQ(found, 1u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ArchivesTest, ::testing::Values("all.zip", "all.tar"));

TEST(SourcesTest, NamesOfPicturesAndFolders) {
  EXPECT_TRUE(IsPictureName("a/b.JPeG"));
  EXPECT_TRUE(IsPictureName("b.webp"));
  EXPECT_FALSE(IsPictureName("a.jpg/b.txt"));
  EXPECT_FALSE(IsPictureName(""));
  EXPECT_EQ(LabelOf("a/b/c.jpg"), "b");
  EXPECT_EQ(LabelOf("b/c.jpg"), "b");
  EXPECT_EQ(LabelOf("c.jpg"), "");
  EXPECT_EQ(LabelOf("/c.jpg"), "");
  EXPECT_TRUE(IsHidden("a/.b/c.jpg"));
  EXPECT_TRUE(IsHidden("__MACOSX/c.jpg"));
  EXPECT_FALSE(IsHidden("a.b/c.jpg"));
  EXPECT_FALSE(IsHidden("./a/../c.jpg"));
  EXPECT_TRUE(LeadsOutside("a/../../c.jpg"));
  EXPECT_FALSE(LeadsOutside("a..b/..c.jpg"));
}

}  // namespace
}  // namespace kith::pictures
