/* icey's turn::AuthenticationState and turn::Request over pjauth.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef PJAUTH_ICY_TURN_REQUEST_H
#define PJAUTH_ICY_TURN_REQUEST_H

#include <string_view>
#include <vector>

#include "attributes.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {

constexpr int CLIENT_SOCK_BUF_SIZE = 65536;
constexpr int SERVER_SOCK_BUF_SIZE = CLIENT_SOCK_BUF_SIZE * 32;

constexpr std::uint8_t kProtocolUDP = 17;
constexpr std::uint8_t kProtocolTCP = 6;

constexpr int kErrorTryAlternate = 300;
constexpr int kErrorBadRequest = 400;
constexpr int kErrorNotAuthorized = 401;
constexpr int kErrorForbidden = 403;
constexpr int kErrorUnknownAttribute = 420;
constexpr int kErrorAllocationMismatch = 437;
constexpr int kErrorStaleNonce = 438;
constexpr int kErrorWrongCredentials = 441;
constexpr int kErrorUnsupportedTransport = 442;
constexpr int kErrorConnectionAlreadyExists = 446;
constexpr int kErrorConnectionTimeoutOrFailure = 447;
constexpr int kErrorAllocationQuotaReached = 486;
constexpr int kErrorInsufficientCapacity = 508;
constexpr int kErrorOperationNotSupported = 600;

using IPList = std::vector<std::string>;

/// What an observer says of a request.
enum class AuthenticationState : int {
    Authenticating = 1, ///< The answer comes later, by Server::handleRequest().
    Authorized = 2,     ///< Yes, if the client proves to hold the key.
    QuotaReached = 3,   ///< No, for now: 486.
    NotAuthorized = 4   ///< No: 401.
};

namespace detail {

/// What writes like a data member of a request: an object without data at the request's own address, which is a handle.
/// It cannot be copied, for a copy would be elsewhere.
class Field
{
public:
    Field() = delete;
    Field(const Field&) = delete;
    Field& operator=(const Field&) = delete;

protected:
    pjauth_turn_request* request() const { return handle<pjauth_turn_request>(this); }
};

class HashField : Field
{
public:
    /// The 16 bytes of MD5(user:realm:password) or the 32 of SHA-256; other lengths are not taken.
    HashField& operator=(std::string_view key)
    {
        set(key);
        return *this;
    }

    bool set(std::string_view key)
    {
        const unsigned algorithm = key.size() == 16 ? PJAUTH_TURN_MD5 : PJAUTH_TURN_SHA256;
        return pjauth_turn_request_set_key(request(), algorithm, reinterpret_cast<const std::uint8_t*>(key.data()),
                                           key.size()) == 0;
    }
};

/// The other fields can be copied (`auto from = request.remoteAddress`): a copy is an object like any other, which holds
/// what was read. Which of the two this is, its address tells. What a copy holds is read as volatile, because a compiler
/// may read ahead what an object has, and behind a handle there is nothing.
class TransportField
{
public:
    TransportField() = delete;
    TransportField(const TransportField& other)
        : _copy(static_cast<char>(static_cast<TransportType>(other)))
    {
    }
    TransportField& operator=(const TransportField&) = delete;

    operator TransportType() const
    {
        if (!isHandle(this))
            return static_cast<TransportType>(*static_cast<const volatile char*>(&_copy));
        return detail::transport(pjauth_turn_request_transport(handle<pjauth_turn_request>(this)));
    }

private:
    char _copy;
};

/// Becomes an Address where one is wanted, for it has a host() and a port().
template <std::size_t (*read)(const pjauth_turn_request*, char*, std::size_t)>
class AddressField
{
public:
    AddressField() = delete;
    AddressField(const AddressField& other) { other.write(_copy); }
    AddressField& operator=(const AddressField&) = delete;

    std::string host() const { return value().host(); }
    std::uint16_t port() const { return value().port(); }
    bool valid() const { return value().valid(); }
    Address::Family family() const { return value().family(); }
    int af() const { return value().af(); }
    std::string toString() const { return value().toString(); }

    template <class T, class = IfForeignAddress<T>>
    operator T() const
    {
        return value();
    }

    friend std::ostream& operator<<(std::ostream& stream, const AddressField& field)
    {
        return stream << field.toString();
    }

private:
    using Text = char[PJAUTH_TURN_ADDRESS_SIZE];

    void write(Text& out) const
    {
        if (isHandle(this)) {
            out[0] = '\0';
            read(handle<pjauth_turn_request>(this), out, sizeof(out));
            return;
        }
        const volatile char* from = _copy;
        for (char& to : out)
            to = *from++;
    }

    Address value() const
    {
        Text text;
        write(text);
        return Address::parse(text);
    }

    Text _copy;
};

} // namespace detail

class Request;

/// A request that waits for a decision. It can be used until handleRequest() has taken it, or the server has given it
/// up: its deadline, the client's connection, or the server's stop.
class Request
{
public:
    Request() = delete;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    union {
        /// The key that the client must prove to hold. It can be set, and not be read.
        detail::HashField hash;
        detail::TransportField transport;
        detail::AddressField<pjauth_turn_request_client_address> remoteAddress;
        detail::AddressField<pjauth_turn_request_server_address> localAddress;
    };

    /// stun::Message::Allocate, and others where ServerOptions::askEachRequest is set; Undefined where it is gone.
    detail::MethodType methodType() const { return static_cast<detail::MethodType>(pjauth_turn_request_method(c())); }
    std::string methodString() const { return detail::methodName(pjauth_turn_request_method(c())); }

    /// Nothing but requests is put to an observer.
    detail::ClassType classType() const { return static_cast<detail::ClassType>(detail::Message::Request); }
    std::string classString() const { return "Request"; }

    /// Twelve bytes; none where the request is gone.
    std::string transactionID() const
    {
        std::uint8_t id[12];
        if (pjauth_turn_request_transaction_id(c(), id) != 0)
            return {};
        return {reinterpret_cast<const char*>(id), sizeof(id)};
    }

    /// For people: the method, the transaction as hexadecimal digits, and what attributes there are.
    std::string toString() const
    {
        std::string text = "STUN[" + methodString() + ":";
        for (const unsigned char byte : transactionID()) {
            text += "0123456789abcdef"[byte >> 4];
            text += "0123456789abcdef"[byte & 15];
        }
        for (unsigned i = 0; const int type = pjauth_turn_request_attribute_type(c(), i); ++i)
            text += ":" + detail::attributeName(type);
        return text + "]";
    }

    void print(std::ostream& stream) const { stream << toString(); }
    friend std::ostream& operator<<(std::ostream& stream, const Request& request) { return stream << request.toString(); }

    /// Empty where the client hides it (USERHASH).
    std::string username() const
    {
        return detail::text([this](char* out, std::size_t size) { return pjauth_turn_request_username(c(), out, size); });
    }

    std::string realm() const
    {
        return detail::text([this](char* out, std::size_t size) { return pjauth_turn_request_realm(c(), out, size); });
    }

    /// An attribute of the request, the first of its kind or a later one; null where there is none, or no request. A
    /// handle, as all pointers here: it can be kept, and is empty once the request is decided.
    ///
    /// Username and MessageIntegrity are there of every request, whichever way the client names and proves itself.
    template <class T>
    typename detail::AttributeOf<T::TypeID>::Is* get(int index = 0) const
    {
        using Is = typename detail::AttributeOf<T::TypeID>::Is;
        return reinterpret_cast<Is*>(pjauth_turn_request_attribute(c(), T::TypeID, static_cast<unsigned>(index)));
    }

    // Beyond icey's.

    /// What the client must prove to know, in place of a key. False where the request is gone.
    bool setPassword(const std::string& password)
    {
        return pjauth_turn_request_set_password(c(), password.c_str()) == 0;
    }

    /// As `hash = key`, and says whether it was taken: false for other lengths, and where the request is gone.
    bool setHash(std::string_view key) { return hash.set(key); }

    /// The peers that a CreatePermission or ChannelBind names, where ServerOptions::askEachRequest is set.
    std::vector<std::string> peers() const
    {
        std::vector<std::string> all;
        for (unsigned i = 0;; ++i) {
            auto peer = detail::text(
                [&](char* out, std::size_t size) { return pjauth_turn_request_peer(c(), i, out, size); });
            if (peer.empty())
                return all;
            all.push_back(std::move(peer));
        }
    }

    /// Whose certificate the client has shown over TLS, such as "CN=joe,O=Example"; empty without one.
    std::string clientCertificate() const
    {
        return detail::text([this](char* out, std::size_t size) {
            return pjauth_turn_request_client_certificate(c(), out, size);
        });
    }

    /// Whether the client holds what was set. The server asks the same after Authorized; ask it before if the answer
    /// is to depend on it, such as for taking something that others want too.
    bool verify() const { return pjauth_turn_request_verify(c()) == 1; }

    /// How many allocations the user may have at once, this one included; where it would be more, Authorized becomes
    /// QuotaReached.
    bool setQuota(unsigned quota) { return pjauth_turn_request_set_quota(c(), quota) == 0; }

    /// Answers for an observer whose users come with time-limited credentials of the TURN REST interface: see
    /// pjauth_turn_request_check_rest(). `secrets` are what the web service shares with the server, the newest first.
    AuthenticationState checkRest(const std::vector<std::string>& secrets)
    {
        std::vector<const char*> texts;
        for (const auto& secret : secrets)
            texts.push_back(secret.c_str());
        return static_cast<AuthenticationState>(
            pjauth_turn_request_check_rest(c(), texts.data(), static_cast<unsigned>(texts.size())));
    }

    // Icey's that are not here.
    template <class T>
    T& add() const
    {
        static_assert(sizeof(T) == std::size_t(-1), "add() of icey's is not in pjauth: the server writes the reply");
    }
    ICY_TURN_MISSING(setClass, "a request cannot be changed")
    ICY_TURN_MISSING(setMethod, "a request cannot be changed")
    ICY_TURN_MISSING(setTransactionID, "a request cannot be changed")
    ICY_TURN_MISSING(read, "a request cannot be changed; get<T>() has its attributes")
    ICY_TURN_MISSING(write, "get<T>() has the attributes of a request")
    ICY_TURN_MISSING(clone, "keep the request's address, which may outlive it")

private:
    pjauth_turn_request* c() const { return detail::handle<pjauth_turn_request>(this); }
};

static_assert(alignof(Request) == 1, "its address is a handle, which is odd");

namespace detail {

inline bool IntegrityAttribute::verifyHmac(std::string_view key) const
{
    return request()->setHash(key) && request()->verify();
}

inline bool IntegrityAttribute::verifyHmac(const HashField&) const
{
    return request()->verify();
}

} // namespace detail
} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
