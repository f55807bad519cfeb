#include <gtest/gtest.h>

#include <limits>

#include "data/data_test_util.h"

namespace kith {
namespace {

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;

// A file of version `version` with this dictionary, unpadded: its data is not aligned.
std::string Npy(const std::string& dict, const std::string& data, int version = 1) {
  std::string out = "\x93NUMPY";
  out += static_cast<char>(version);
  out += '\0';
  const std::string text = dict + "\n";
  out += version == 1 ? Raw(static_cast<uint16_t>(text.size()))
                      : Raw(static_cast<uint32_t>(text.size()));
  return out + text + data;
}

std::string Dict(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

Result<Dataset> ReadNpyBytes(const std::string& contents) {
  return ReadBytesAs("npy", contents, "a.npy");
}

TEST(Npy, NativeTypesAreViewedInPlace) {
  const std::string data(24, '\x3c');
  for (const auto& [descr, dtype, columns] :
       {std::tuple("<f4", DataType::kF32, 3), std::tuple("<f2", DataType::kF16, 6),
        std::tuple("|u1", DataType::kU8, 12), std::tuple("|i1", DataType::kI8, 12)}) {
    const std::string shape = "(2, " + std::to_string(columns) + ")";
    const data::Input input = MakeInput("a.npy", Npy(Dict(descr, shape), data));
    const Result<Dataset> set = data::ReadInput(input, {});
    ASSERT_TRUE(set.ok()) << set.status().message();
    EXPECT_EQ(set->vectors.dtype, dtype);
    EXPECT_EQ(set->vectors.rows, 2u);
    EXPECT_EQ(set->vectors.dim, static_cast<size_t>(columns));
    EXPECT_EQ(set->vectors.data, input.bytes.data() + input.bytes.size() - 24);
  }
}

// They would be negative numbers, and the largest would stand for no neighbour.
TEST(Npy, UnsignedIdsBeyondTheSignedOnes) {
  const TempDir dir;
  const std::string path = dir / "ids.npy";
  for (const uint64_t id : {uint64_t{1} << 63, UINT64_MAX}) {
    WriteFile(path, Npy(Dict("<u8", "(2, 1)"), Raw<uint64_t>(INT64_MAX, id)));
    ExpectError(ReadGroundTruth(path), StatusCode::kInvalidArgument,
                {path, "row 1, column 0", std::to_string(id)});
  }
  WriteFile(path, Npy(Dict("<u8", "(1, 1)"), Raw<uint64_t>(INT64_MAX)));
  EXPECT_EQ(ReadGroundTruth(path)->ids, std::vector<int64_t>{INT64_MAX});
}

TEST(Npy, AllVersions) {
  for (int version : {1, 2, 3}) {
    ExpectSet(ReadNpyBytes(Npy(Dict("|u1", "(2, 2)"), "\1\2\3\4", version)), "npy", DataType::kU8,
              {{1, 2}, {3, 4}});
  }
  ExpectError(ReadNpyBytes(Npy(Dict("|u1", "(2, 2)"), "\1\2\3\4", 4)), StatusCode::kUnsupported,
              {"a.npy", "version 4"});
}

TEST(Npy, BothByteOrders) {
  ExpectSet(ReadNpyBytes(Npy(Dict(">f4", "(1, 2)"), Literal("\x3f\x80\0\0\xc0\0\0\0"))), "npy",
            DataType::kF32, {{1, -2}});
  ExpectSet(ReadNpyBytes(Npy(Dict(">f2", "(1, 2)"), Literal("\x3c\0\xc0\0"))), "npy",
            DataType::kF16, {{1, -2}});
  ExpectSet(ReadNpyBytes(Npy(Dict(">f8", "(1, 1)"), Literal("\x3f\xe0\0\0\0\0\0\0"))), "npy",
            DataType::kF32, {{0.5}});
  ExpectSet(ReadNpyBytes(Npy(Dict(">i4", "(1, 2)"), Literal("\0\0\x01\x2c\xff\xff\xff\xff"))),
            "npy", DataType::kF16, {{300, -1}});
}

TEST(Npy, FortranOrder) {
  // Columns lie together: (1, 3), (2, 4).
  ExpectSet(ReadNpyBytes(Npy(Dict("<f4", "(2, 2)", true), Raw(1.f, 3.f, 2.f, 4.f))), "npy",
            DataType::kF32, {{1, 2}, {3, 4}});
  ExpectSet(ReadNpyBytes(Npy(Dict("|u1", "(2, 3)", true), "\1\4\2\5\3\6")), "npy", DataType::kU8,
            {{1, 2, 3}, {4, 5, 6}});
  ExpectSet(ReadNpyBytes(Npy(Dict("<f8", "(2, 2)", true), Raw(1., 3., 2., 4.))), "npy",
            DataType::kF32, {{1, 2}, {3, 4}});
}

TEST(Npy, MoreAxesAreFlattened) {
  const std::string eight = "\1\2\3\4\5\6\7\x08";
  ExpectSet(ReadNpyBytes(Npy(Dict("|u1", "(2, 2, 2)"), eight)), "npy", DataType::kU8,
            {{1, 2, 3, 4}, {5, 6, 7, 8}});
  // Item (i, j, k) of the same array in Fortran order lies at i + 2 j + 4 k.
  ExpectSet(ReadNpyBytes(Npy(Dict("|u1", "(2, 2, 2)", true), "\1\5\3\7\2\6\4\x08")), "npy",
            DataType::kU8, {{1, 2, 3, 4}, {5, 6, 7, 8}});
}

TEST(Npy, OneAxisIsOneVector) {
  for (bool fortran : {false, true}) {
    ExpectSet(ReadNpyBytes(Npy(Dict("|u1", "(3,)", fortran), "\1\2\3")), "npy", DataType::kU8,
              {{1, 2, 3}});
  }
  ExpectError(ReadNpyBytes(Npy(Dict("|u1", "()"), "\1")), kInvalid, {"single number"});
}

TEST(Npy, BoolsBecomeBits) {
  const Result<Dataset> set =
      ReadNpyBytes(Npy(Dict("|b1", "(2, 9)"), Literal("\1\0\1\0\0\0\0\0\1\0\1\0\0\0\0\0\0\0")));
  ExpectSet(set, "npy", DataType::kBit, {{1, 0, 1, 0, 0, 0, 0, 0, 1}, {0, 1, 0, 0, 0, 0, 0, 0, 0}});
  EXPECT_EQ(set->vectors.stride, 2u);
  EXPECT_EQ(set->vectors.row(0)[0], std::byte{0b101});
  EXPECT_EQ(set->vectors.row(0)[1], std::byte{1});
  ExpectError(ReadNpyBytes(Npy(Dict("|b1", "(1, 2)"), "\1\2")), kInvalid, {"expected a bool"});
}

TEST(Npy, DoublesBeyondFloatsAreRefused) {
  ExpectError(ReadNpyBytes(Npy(Dict("<f8", "(2, 2)"), Raw(1., 2., 3., 1e39))), kInvalid,
              {"a.npy", "row 1, column 1", "1e+39"});
  // Infinities of the file itself are the caller's to find.
  EXPECT_TRUE(
      ReadNpyBytes(Npy(Dict("<f8", "(1, 1)"), Raw(std::numeric_limits<double>::infinity()))).ok());
}

TEST(Npy, WideIntegersAreNarrowedOrRefused) {
  ExpectSet(ReadNpyBytes(Npy(Dict("<i8", "(1, 2)"), Raw<int64_t>(0, 255))), "npy", DataType::kU8,
            {{0, 255}});
  ExpectSet(ReadNpyBytes(Npy(Dict("<u2", "(1, 2)"), Raw<uint16_t>(0, 65535))), "npy",
            DataType::kF32, {{0, 65535}});
  ExpectError(ReadNpyBytes(Npy(Dict("<i8", "(1, 2)"), Raw<int64_t>(0, (1 << 24) + 1))), kInvalid,
              {"row 0, column 1", "16777217"});
  EXPECT_TRUE(ReadNpyBytes(Npy(Dict("<i8", "(1, 1)"), Raw(INT64_MIN))).ok());
}

TEST(Npy, HeadersOtherWritersMake) {
  // Other key orders, double quotes, no trailing comma, Python 2's long integers, odd spaces.
  for (const char* dict :
       {"{\"shape\": (1L, 2L), \"descr\": \"|u1\", \"fortran_order\": False}",
        "{'fortran_order':False,'descr':'|u1','shape':(1,2)}",
        " { 'descr' : '|u1' , 'shape' : ( 1 , 2 , ) , 'fortran_order' : False } ",
        "{'descr': '<u1', 'fortran_order': False, 'shape': (1, 2), }"}) {
    ExpectSet(ReadNpyBytes(Npy(dict, "\1\2")), "npy", DataType::kU8, {{1, 2}});
  }
}

TEST(Npy, RefusesTypesThatAreNoNumbers) {
  for (const char* descr : {"|O", "<c8", "<U4", "|S8", "<M8[ns]", "<f16", "", "f", "|V4"}) {
    ExpectError(ReadNpyBytes(Npy(Dict(descr, "(1, 1)"), "\1\2\3\4")), StatusCode::kUnsupported,
                {"a.npy", "astype"});
  }
  ExpectError(ReadNpyBytes(Npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
                               "\1\2\3\4")),
              StatusCode::kUnsupported, {"records"});
}

TEST(Npy, RefusesBrokenHeaders) {
  for (const char* dict :
       {"", "{", "{}", "{'descr'}", "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': Maybe, 'shape': (1, 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': [1, 2]}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1, 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), 'more': 1}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2)} x",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (1, 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 2)}"}) {
    ExpectError(ReadNpyBytes(Npy(dict, "\1\2")), kInvalid, {"a.npy: byte "});
  }
}

TEST(Npy, NeverTrustsTheHeader) {
  ExpectError(ReadNpyBytes(Npy(Dict("<f4", "(2, 2)"), "0123456789abcde")), kInvalid,
              {"truncated", "got"});
  ExpectError(ReadNpyBytes(Npy(Dict("<f4", "(2, 2)"), "0123456789abcdefg")), kInvalid,
              {"bytes follow its end"});
  for (const char* shape :
       {"(4294967296, 4294967296)", "(18446744073709551615, 2)", "(1000000000, 65536)",
        "(1, 281474976710656, 65537, 0)", "(1, 9223372036854775808, 2, 0)", "(0, 5)", "(5, 0)",
        "(65537,)", "(0,)"}) {
    ExpectError(ReadNpyBytes(Npy(Dict("|u1", shape), "\1")), kInvalid, {"a.npy", "expected"});
  }
  std::string lying = Npy(Dict("|u1", "(1, 1)"), "\1", 2);
  lying.replace(8, 4, Raw<uint32_t>(0xFFFFFFFF));
  ExpectError(ReadNpyBytes(lying), kInvalid, {"byte 8", "4294967295"});
}

}  // namespace
}  // namespace kith
