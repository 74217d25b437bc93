// Stands for icey's TURN client: classes of icey's names and other shapes, whose members are out of line, as in
// libicy_turn. Nothing of pjauth's is seen here.
#include <cstdint>
#include <string>
#include <vector>

namespace icy {
namespace turn {

class FiveTuple
{
public:
    FiveTuple();
    std::string toString() const;

private:
    std::string _client;
    long _more[8];
};

struct Permission {
    Permission(const std::string& ip);
    ~Permission();
    std::string ip;
    long timeout[8];
};

class IAllocation
{
public:
    IAllocation();
    virtual ~IAllocation();
    virtual std::string username() const;
    virtual std::vector<Permission> permissions() const;
    virtual std::int64_t bandwidthUsed() const;
    virtual std::int64_t timeRemaining() const;

private:
    FiveTuple _tuple;
    std::string _username;
    std::vector<Permission> _permissions;
};

FiveTuple::FiveTuple()
    : _client("client's")
    , _more{}
{
}
std::string FiveTuple::toString() const
{
    return _client;
}
Permission::Permission(const std::string& ip)
    : ip(ip)
    , timeout{}
{
}
Permission::~Permission() = default;
IAllocation::IAllocation()
    : _username("client's")
    , _permissions{{"192.0.2.1"}}
{
}
IAllocation::~IAllocation() = default;
std::string IAllocation::username() const
{
    return _username + " " + _tuple.toString();
}
std::vector<Permission> IAllocation::permissions() const
{
    return _permissions;
}
std::int64_t IAllocation::bandwidthUsed() const
{
    return 17;
}
std::int64_t IAllocation::timeRemaining() const
{
    return 18;
}

} // namespace turn
} // namespace icy

std::string what_the_client_says()
{
    icy::turn::IAllocation allocation;
    return allocation.username() + " " + allocation.permissions().at(0).ip + " " +
           std::to_string(allocation.bandwidthUsed() + allocation.timeRemaining());
}
