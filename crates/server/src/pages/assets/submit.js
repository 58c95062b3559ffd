// Sends the one form of the page that takes a person back to an app.
document.querySelector("form[data-submit]").submit();
