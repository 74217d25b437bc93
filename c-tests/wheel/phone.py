"""A softphone of the wheel's pjsua2 that registers once, and knows nothing of pjauth.

usage: phone.py PORT USER udp|tcp

Prints "registered STATUS CODE", PJSIP's status and the final response's code, and PJSIP's errors.
"""

import sys
import threading

import pjsua2

PASSWORD = "Circle of Life"
WAIT_SECONDS = 20


class Account(pjsua2.Account):
    def __init__(self):
        super().__init__()
        self.done = threading.Event()

    def onRegState(self, prm):
        if not self.done.is_set():
            print("registered", prm.status, prm.code, flush=True)
        self.done.set()


def endpoint(transport):
    phone = pjsua2.Endpoint()
    phone.libCreate()
    config = pjsua2.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 1
    phone.libInit(config)
    local = pjsua2.TransportConfig()
    local.boundAddress = "127.0.0.1"
    kind = {"udp": pjsua2.PJSIP_TRANSPORT_UDP, "tcp": pjsua2.PJSIP_TRANSPORT_TCP}[transport]
    phone.transportCreate(kind, local)
    phone.libStart()
    return phone


def account_config(port, user, transport):
    config = pjsua2.AccountConfig()
    config.idUri = f"sip:{user}@127.0.0.1"
    config.regConfig.registrarUri = f"sip:127.0.0.1:{port};transport={transport}"
    config.regConfig.retryIntervalSec = 0
    config.sipConfig.authCreds.append(pjsua2.AuthCredInfo("digest", "*", user, 0, PASSWORD))
    return config


def main():
    port, user, transport = sys.argv[1:]
    phone = endpoint(transport)
    account = Account()
    account.create(account_config(port, user, transport))
    if not account.done.wait(WAIT_SECONDS):
        print("no answer", flush=True)
    account.shutdown()
    # What is imported later still gets its own libraries, not those that the wheel brings along.
    import ssl
    ssl.create_default_context()
    phone.libDestroy()


if __name__ == "__main__":
    main()
