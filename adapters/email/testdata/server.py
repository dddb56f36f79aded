# A mail server by aiosmtpd, which nobody here wrote. What it answers is chosen by the recipient: 552-at-rcpt@…, 451-at-data@…, hang-at-data@…,
# cut-at-rcpt@…, cut-at-rset@…; it accepts any other. Each mail that it takes is a line of JSON on standard output, after a first line when it listens.
import json, ssl, sys, threading, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

port, mode, cert, key = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]


class Handler:
    def wish(self, address, stage):
        what, at, where = address.partition("@")[0].partition("-at-")
        return what if at and where == stage else None

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.wish(address, "mail"):
            return self.wish(address, "mail") + " no, " + address
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        wish = self.wish(address, "rcpt")
        if wish == "cut":
            server.transport.abort()
        elif wish:
            return wish + " 5.7.1 no, " + address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_RSET(self, server, session, envelope):
        if getattr(session, "cut", False):
            server.transport.abort()
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        wish = self.wish(envelope.rcpt_tos[0], "data")
        session.cut = self.wish(envelope.rcpt_tos[0], "rset") == "cut"
        if wish is None or wish in ("cut", "hang"):
            print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "mail": envelope.content.decode(), "tls": bool(session.ssl),
                              "user": session.auth_data.login.decode() if session.auth_data else ""}), flush=True)
        if wish == "cut":
            server.transport.abort()
        elif wish == "hang":
            import asyncio
            await asyncio.sleep(60)
        elif wish:
            return wish + " no, " + envelope.rcpt_tos[0]
        return "250 taken"


def login(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"gateway" and data.password == b"secret0", handled=False, auth_data=data)


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(cert, key)
options = dict(authenticator=login, hostname="127.0.0.1", port=port)
if mode == "starttls":
    options.update(tls_context=tls, require_starttls=True, auth_required=True)
elif mode == "implicit":
    options.update(ssl_context=tls, auth_require_tls=False)
controller = Controller(Handler(), **options)
controller.start()
print("listening", flush=True)
sys.stdin.read()  # until it is closed
controller.stop()
