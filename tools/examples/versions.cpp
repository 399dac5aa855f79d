// A rollout: the next version of a service publishes what the old workers do not understand. Each says what it accepts,
// and is given nothing else; no attempt is counted for what waits for the others.
//
//   lazaret_example_versions [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  client.ensure({.name = "parcels"});
  for (const std::string version : {"1", "2", "1"}) {
    client.publish("parcels",
                   {.body = "of version " + version, .type = "parcel.sent", .schema_id = "parcel.sent@" + version});
  }
  std::latch done(3);
  const auto worker = [&](const std::string& name, const std::string& accepts) {
    return client.consume("parcels",
                          [&done, name](lz::Delivery& delivery) {
                            std::cout << name + " took one " + delivery.message().body.str() + "\n";
                            done.count_down();
                          },
                          {.accepts = {accepts}});
  };
  auto old_worker = worker("the old worker", "parcel.sent@<2");
  auto new_worker = worker("the new worker", "parcel.sent@>=2");
  done.wait();
  old_worker.close(std::chrono::seconds(10));
  new_worker.close(std::chrono::seconds(10));
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}
