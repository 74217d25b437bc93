/* icey's turn::AuthenticationState and turn::Request over pjauth.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef ICY_TURN_TYPES_H
#define ICY_TURN_TYPES_H

#include <string_view>
#include <vector>

#include "turn.h"

namespace icy {
namespace turn {

/// What an observer says of a request.
enum class AuthenticationState : int {
    Authenticating = 1, ///< The answer comes later, by Server::handleRequest().
    Authorized = 2,     ///< Yes, if the client proves to hold the key.
    QuotaReached = 3,   ///< No, for now: 486.
    NotAuthorized = 4   ///< No: 401.
};

namespace detail {

/// What reads and writes like a data member of a request: an object without data at the request's own address, which is
/// a handle. It cannot be copied, for a copy would be elsewhere.
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

class TransportField : Field
{
public:
    operator TransportType() const { return detail::transport(pjauth_turn_request_transport(request())); }
};

/// Becomes an Address where one is wanted, for it has a host() and a port().
template <std::size_t (*read)(const pjauth_turn_request*, char*, std::size_t)>
class AddressField : Field
{
public:
    std::string host() const { return value().host(); }
    std::uint16_t port() const { return value().port(); }
    bool valid() const { return value().valid(); }
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
    Address value() const
    {
        return Address::parse(text([this](char* out, std::size_t size) { return read(request(), out, size); }));
    }
};

} // namespace detail

class Request;

/// An attribute of a request. Whether it is there is asked as of a pointer, as with icey.
class Attribute
{
public:
    Attribute(const Request* request, std::string text)
        : _request(request)
        , _text(std::move(text))
    {
    }

    explicit operator bool() const { return _request != nullptr; }
    const Attribute* operator->() const { return this; }
    const std::string& asString() const { return _text; }

    /// Of the signature: sets the key, as `request.hash = key` does, and says whether the client holds it.
    bool verifyHmac(std::string_view key) const;

    /// The same with the key that was set.
    bool verifyHmac(const detail::HashField&) const;

private:
    const Request* _request;
    std::string _text;
};

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
    int methodType() const { return pjauth_turn_request_method(c()); }

    /// Empty where the client hides it (USERHASH).
    std::string username() const
    {
        return detail::text([this](char* out, std::size_t size) { return pjauth_turn_request_username(c(), out, size); });
    }

    std::string realm() const
    {
        return detail::text([this](char* out, std::size_t size) { return pjauth_turn_request_realm(c(), out, size); });
    }

    /// The attributes that an icey observer looks for. Each is there while the request is, or it would not have been
    /// put to the observer; the nonce and the signature are the server's business, and have no text.
    template <class T>
    Attribute get() const
    {
        constexpr auto type = T::TypeID;
        constexpr std::uint16_t username_type = 0x0006, integrity = 0x0008, realm_type = 0x0014, nonce = 0x0015;
        static_assert(type == username_type || type == integrity || type == realm_type || type == nonce,
                      "Username, Realm, Nonce and MessageIntegrity");
        const Request* alive = pjauth_turn_request_method(c()) != 0 ? this : nullptr;
        if (type == username_type)
            return {alive, username()};
        if (type == realm_type)
            return {alive, realm()};
        return {alive, {}};
    }

    // Beyond icey's.

    /// What the client must prove to know, in place of a key. False where the request is gone.
    bool setPassword(const std::string& password)
    {
        return pjauth_turn_request_set_password(c(), password.c_str()) == 0;
    }

    /// As `hash = key`, and says whether it was taken: false for other lengths, and where the request is gone.
    bool setHash(std::string_view key) { return hash.set(key); }

    /// Whether the client holds what was set. The server asks the same after Authorized; ask it before if the answer
    /// is to depend on it, such as for taking something that others want too.
    bool verify() const { return pjauth_turn_request_verify(c()) == 1; }

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

    /// How many allocations the user may have at once, this one included; where it would be more, Authorized becomes
    /// QuotaReached.
    bool setQuota(unsigned quota) { return pjauth_turn_request_set_quota(c(), quota) == 0; }

private:
    pjauth_turn_request* c() const { return detail::handle<pjauth_turn_request>(this); }
};

static_assert(sizeof(Request) == 1 && alignof(Request) == 1, "nothing is there to be looked at");

inline bool Attribute::verifyHmac(std::string_view key) const
{
    return _request && const_cast<Request*>(_request)->setHash(key) && _request->verify();
}

inline bool Attribute::verifyHmac(const detail::HashField&) const
{
    return _request && _request->verify();
}

} // namespace turn
} // namespace icy

#endif
