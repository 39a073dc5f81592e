// The HTTP client over TLS, against a server with a certificate of its own for "localhost".
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/ssl.hpp>
#include <filesystem>

#include "sandbox/base/http_client.h"
#include "tests/support/byte_server.h"
#include "tests/support/run_coro.h"

namespace caisson {
namespace {

namespace asio = boost::asio;
using test::ByteServer;
using test::run_coro;
using namespace std::chrono_literals;

// A self-signed certificate and its key, as PEM files.
class Identity {
 public:
  Identity() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    const auto* common = reinterpret_cast<const unsigned char*>("localhost");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* file = std::fopen(certificate_file().c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~Identity() {
    std::filesystem::remove(certificate_file());
    std::filesystem::remove(key_file());
  }
  std::string certificate_file() const { return base_ + ".crt"; }
  std::string key_file() const { return base_ + ".key"; }

 private:
  std::string base_ =
      (std::filesystem::temp_directory_path() / ("caisson-tls-" + std::to_string(::getpid())))
          .string();
};

class HttpTls : public testing::Test {
 protected:
  enum class Client { anybody, needs_certificate };

  // Speaks TLS, after a tunnel when `through_proxy`; answers one request.
  ByteServer::Script secure(Client client, std::string before = "") {
    return [this, client, before](ByteServer& server,
                                  ByteServer::Socket& socket) -> asio::awaitable<void> {
      if (!before.empty()) {
        co_await server.read_request(socket);
        co_await asio::async_write(socket, asio::buffer(before), asio::use_awaitable);
      }
      asio::ssl::context context(asio::ssl::context::tls_server);
      context.use_certificate_chain_file(identity_.certificate_file());
      context.use_private_key_file(identity_.key_file(), asio::ssl::context::pem);
      if (client == Client::needs_certificate) {
        context.load_verify_file(identity_.certificate_file());
        context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
      }
      asio::ssl::stream<ByteServer::Socket&> stream(socket, context);
      auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server,
                                                     asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
      const char* sni = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
      server_name_ = sni == nullptr ? "" : sni;
      char piece[4096];
      co_await stream.async_read_some(asio::buffer(piece), asio::use_awaitable);
      const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
      co_await asio::async_write(stream, asio::buffer(bytes), asio::use_awaitable);
    };
  }

  Result<HttpResponse> fetch(ByteServer::Script script, std::string host, TlsOptions options,
                             bool through_proxy = false) {
    asio::io_context loop(1);
    ByteServer server(loop, std::move(script));
    HttpTarget target;
    target.transport = HttpTarget::Transport::tls;
    target.host = std::move(host);
    target.port = through_proxy ? std::uint16_t{443} : server.port();
    if (through_proxy) target.proxy = HttpProxy{"127.0.0.1", server.port(), ""};
    auto context = make_tls(options);
    if (!context) return context.error();
    target.tls = *context;
    return run_coro(loop, http_fetch(target, {}, Deadline::after(5s)));
  }

  TlsOptions trusting() const {
    return {.ca_file = identity_.certificate_file(), .certificate_file = "", .key_file = ""};
  }

  Identity identity_;
  std::string server_name_;
};

TEST_F(HttpTls, TrustsTheGivenAuthorityAndSendsTheName) {
  const auto done = fetch(secure(Client::anybody), "localhost", trusting());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->body, "secret");
  EXPECT_EQ(server_name_, "localhost");
}

TEST_F(HttpTls, RefusesAnUnknownAuthority) {
  const auto done = fetch(secure(Client::anybody), "localhost", TlsOptions());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::protocol);
  EXPECT_NE(done.error().message.find("certificate"), std::string::npos) << done.error().message;
}

TEST_F(HttpTls, RefusesAnotherHostsCertificate) {
  const auto done = fetch(secure(Client::anybody), "127.0.0.1", trusting());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::protocol);
  EXPECT_NE(done.error().message.find("mismatch"), std::string::npos) << done.error().message;
}

TEST_F(HttpTls, ShowsItsOwnCertificate) {
  auto options = trusting();
  const auto without = fetch(secure(Client::needs_certificate), "localhost", options);
  EXPECT_FALSE(without);
  options.certificate_file = identity_.certificate_file();
  options.key_file = identity_.key_file();
  const auto with = fetch(secure(Client::needs_certificate), "localhost", options);
  ASSERT_TRUE(with) << with.error().message;
  EXPECT_EQ(with->body, "secret");
}

TEST_F(HttpTls, GoesThroughAProxysTunnel) {
  const auto done = fetch(secure(Client::anybody, "HTTP/1.1 200 Connection established\r\n\r\n"),
                          "localhost", trusting(), true);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->body, "secret");
}

TEST_F(HttpTls, AServerWithoutTlsIsSaid) {
  const auto done = fetch(
      [](ByteServer&, ByteServer::Socket& socket) -> asio::awaitable<void> {
        const std::string bytes = "HTTP/1.1 400 Bad Request\r\n\r\n";
        co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
      },
      "localhost", trusting());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::protocol);
  EXPECT_NE(done.error().message.find("TLS with localhost:"), std::string::npos);
}

TEST_F(HttpTls, AMissingFileIsNamed) {
  const auto context =
      make_tls({.ca_file = "/nonexistent/ca.pem", .certificate_file = "", .key_file = ""});
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().code, Errc::bad_input);
  EXPECT_NE(context.error().message.find("/nonexistent/ca.pem"), std::string::npos);
}

}  // namespace
}  // namespace caisson
