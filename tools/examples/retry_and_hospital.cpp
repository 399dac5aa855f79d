// Retry and hospital: what fails is tried again after a while, each time a longer one. What does not get better goes to
// the hospital, with every attempt that was made, and the others go on. When the code is mended it is replayed.
//
//   lazaret_example_retry_and_hospital [URL]            # one payment ends in the hospital
//   lazaret hospital list; lazaret hospital replay --all
//   lazaret_example_retry_and_hospital URL mended       # and is done
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>
#include <stdexcept>
#include <thread>

namespace lz = lazaret;
using namespace std::chrono_literals;

namespace {

/// Before it is mended it knows no yen.
void pay(const lz::Message& message, bool mended) {
  const std::string_view amount = message.body;
  if (amount.ends_with("JPY") && !mended) throw std::runtime_error("no such currency: JPY");
}

}  // namespace

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  const bool mended = argc > 2;
  client.ensure({.name = "payments", .max_attempts = 3, .backoff_initial = 50ms, .backoff_multiplier = 2});
  if (!mended) {
    for (const char* amount : {"10 EUR", "1000 JPY", "12 EUR"}) {
      client.publish("payments", {.body = amount, .type = "payment.wanted"});
    }
  }

  std::latch paid(mended ? 1 : 2);
  auto worker = client.consume("payments", [&](lz::Delivery& delivery) {
    const std::string what = delivery.message().body.str() + " at attempt " + std::to_string(delivery.attempt()) + "\n";
    std::cout << "trying " + what;
    pay(delivery.message(), mended);  // what it throws is a failed attempt, with its type and its text
    std::cout << "paid " + what;
    paid.count_down();
    // Verdict::fail and Verdict::reject say the same without an exception: reject goes to the hospital at once.
    return lz::Verdict::done();
  });
  paid.wait();
  while (!mended && client.show("payments").in_hospital == 0) std::this_thread::sleep_for(10ms);
  worker.close(10s);
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}
