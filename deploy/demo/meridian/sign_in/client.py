"""The bank's bot as its provider knows it."""

BOT = "meridian"
CLIENT_ID = "switchboard"
CLIENT_SECRET = "meridian-sign-in-demo-secret-32-bytes!"
