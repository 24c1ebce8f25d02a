// Requests from one process to another by open files: data, errors, what the server is told.

#include <catch2/catch.hpp>

#include "file_rig.h"

using namespace firmware_test;

TEST_CASE("a request and its reply of any size go through an open file, on one CPU and on two") {
  const unsigned server_cpu = GENERATE(0U, 1U);
  const std::size_t size = GENERATE(0U, 1U, 192U, 193U, 8160U, 8161U, 30'000U);
  CAPTURE(server_cpu, size);
  FileRig rig(2);
  const ProcessHandle server = rig.handle(server_cpu, rig.program(server_cpu, echo()));
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    const auto opened = co_await files.open(server);
    REQUIRE(opened.error == Error::none);
    CHECK(opened.file > 0);
    const Bytes out = pattern(7, size);
    Bytes in(size + 5);
    const auto length = static_cast<std::uint32_t>(in.size());
    CHECK_AWAIT(files.writeread(opened.file, out, in), (IoResult{Error::none, length}));
    CHECK(in == answer_to(out, in.size()));
    CHECK_AWAIT(files.write(opened.file, out),
                (IoResult{Error::none, static_cast<std::uint32_t>(size)}));
    CHECK_AWAIT(files.close(opened.file), Error::none);
  });
  rig.run_until_ended(1);
}
