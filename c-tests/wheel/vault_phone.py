"""A softphone of the wheel's pjsua2 whose password is in a vault that takes its time: it registers and places a call,
and answers both challenges two seconds later, from another thread. pjauth is preloaded; ctypes reaches it and PJSIP.

usage: vault_phone.py PORT USER CALLEE tcp|udp

Prints a line for each thing that happens.
"""

import ctypes
import queue
import sys
import threading
import time
from ctypes import POINTER, byref, c_int, c_void_p

import pjsua2
from pjsua2 import _pjsua2

import phone

VAULT_SECONDS = 2
PJ_TRUE, PJ_SUCCESS, PJ_EINVAL = 1, 0, 70004


class Param(ctypes.Structure):
    """pjsip_auth_clt_async_on_chal_param"""
    _fields_ = [("tdata", c_void_p), ("rdata", c_void_p), ("user_data", c_void_p)]


ON_CHALLENGE = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(Param))


class Setting(ctypes.Structure):
    """pjsip_auth_clt_async_setting"""
    _fields_ = [("cb", ON_CHALLENGE), ("user_data", c_void_p)]


def declare(library, **functions):
    for name, (result, *arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


# What the process shares: pjauth. And the wheel's own PJSIP.
pjauth = ctypes.CDLL(None)
pjsip = ctypes.CDLL(_pjsua2.__file__)
declare(pjauth, pjauth_async_configure_default=(c_int, c_void_p, POINTER(Setting)),
        pjsip_auth_clt_reinit_req=(c_int, c_void_p, c_void_p, c_void_p, POINTER(c_void_p)),
        pjsip_auth_clt_async_send_req=(c_int, c_void_p, c_void_p, c_void_p))
declare(pjsip, pjsua_get_pjsip_endpt=(c_void_p,), pjsip_rx_data_clone=(c_int, c_void_p, c_int, POINTER(c_void_p)),
        pjsip_rx_data_free_cloned=(c_int, c_void_p), pjsip_tx_data_add_ref=(None, c_void_p),
        pjsip_tx_data_dec_ref=(c_int, c_void_p))


def say(*words):
    print(*words, flush=True)


class Vault:
    """Keeps challenges, and answers each after a while."""

    def __init__(self):
        self.setting = Setting(ON_CHALLENGE(self.on_challenge), None)
        self.waiting = queue.Queue()
        self.thread = threading.Thread(target=self.answer, name="vault", daemon=True)

    def on_challenge(self, sess, token, param):
        """On a thread of PJSIP's."""
        response = c_void_p()
        if pjsip.pjsip_rx_data_clone(param.contents.rdata, 0, byref(response)) != PJ_SUCCESS:
            return 0
        pjsip.pjsip_tx_data_add_ref(param.contents.tdata)
        self.waiting.put((time.monotonic(), sess, token, param.contents.tdata, response))
        say("challenged")
        return PJ_TRUE

    def answer(self):
        pjsua2.Endpoint.instance().libRegisterThread("vault")
        while True:
            since, sess, token, request, response = self.waiting.get()
            time.sleep(max(0, since + VAULT_SECONDS - time.monotonic()))
            answer = c_void_p()
            status = pjauth.pjsip_auth_clt_reinit_req(sess, response, request, byref(answer))
            if status == PJ_SUCCESS:
                waited = time.monotonic() - since
                status = pjauth.pjsip_auth_clt_async_send_req(sess, token, answer)
                if status == PJ_EINVAL:
                    pjsip.pjsip_tx_data_dec_ref(answer)
                say("answered", status, "late" if waited >= VAULT_SECONDS else "early", threading.current_thread().name)
            pjsip.pjsip_tx_data_dec_ref(request)
            pjsip.pjsip_rx_data_free_cloned(response)


class Call(pjsua2.Call):
    def __init__(self, account):
        super().__init__(account)
        self.confirmed, self.disconnected = threading.Event(), threading.Event()

    def onCallState(self, prm):
        info = self.getInfo()
        say("call", info.stateText)
        if info.state == pjsua2.PJSIP_INV_STATE_CONFIRMED:
            self.confirmed.set()
        if info.state == pjsua2.PJSIP_INV_STATE_DISCONNECTED:
            self.disconnected.set()


def main():
    port, user, callee, transport = sys.argv[1:]
    endpoint = phone.endpoint(transport)
    endpoint.audDevManager().setNullDev()
    vault = Vault()
    vault.thread.start()
    if pjauth.pjauth_async_configure_default(pjsip.pjsua_get_pjsip_endpt(), byref(vault.setting)) != PJ_SUCCESS:
        sys.exit("pjauth refuses")

    account = phone.Account()
    account.create(phone.account_config(port, user, transport))
    if not account.done.wait(phone.WAIT_SECONDS):
        sys.exit("no registration")
    call = Call(account)
    call.makeCall(f"sip:{callee}@127.0.0.1:{port};transport={transport}", pjsua2.CallOpParam(True))
    if not call.confirmed.wait(phone.WAIT_SECONDS):
        sys.exit("no call")
    call.hangup(pjsua2.CallOpParam())
    if not call.disconnected.wait(phone.WAIT_SECONDS):
        sys.exit("no end of the call")
    del call

    # The registration is removed with the vault gone: PJSIP answers by itself.
    pjauth.pjauth_async_configure_default(pjsip.pjsua_get_pjsip_endpt(), None)
    account.shutdown()
    endpoint.libDestroy()
    say("done")


if __name__ == "__main__":
    main()
