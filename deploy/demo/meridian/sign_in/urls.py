"""The provider's addresses: its login page, and those of OpenID Connect."""

from django.urls import include, path

from deploy.demo.meridian.sign_in import views

urlpatterns = [
    path("login", views.sign_in, name="account_login"),
    path("login/again", views.sign_in, name="account_reauthenticate"),
    *(path(name, views.asset, {"name": name}) for name in views.ASSETS),
    path("", include("allauth.idp.urls")),
]
