"""Every URL of the platform."""

urlpatterns: list = []
