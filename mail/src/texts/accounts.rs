//! Emails about a person's own account.

use crate::{Draft, Language};

/// To an address that signed up: the account is confirmed by the link. The email contains nothing that the sender
/// typed, because the address may belong to a stranger.
pub fn confirm_sign_up(language: Language, link: &str) -> Draft {
    let pick = |en, fr, es| language.pick(en, fr, es);
    Draft::new(
        language,
        pick("Confirm your email address", "Confirmez votre adresse e-mail", "Confirme su dirección de correo"),
    )
    .line(pick(
        "Somebody, we hope you, signed up at Clientele with this email address. The account is made when you confirm \
         it, with the password you chose.",
        "Quelqu'un, vous sans doute, s'est inscrit à Clientele avec cette adresse e-mail. Le compte est créé quand vous \
         la confirmez, avec le mot de passe que vous avez choisi.",
        "Alguien, esperamos que usted, se ha registrado en Clientele con esta dirección de correo. La cuenta se crea \
         cuando usted la confirma, con la contraseña que eligió.",
    ))
    .link(pick("Confirm the address", "Confirmer l'adresse", "Confirmar la dirección"), link)
    .line(pick(
        "The link works once, for 24 hours. If it was not you, do nothing: no account is created.",
        "Le lien n'est valable qu'une fois, pendant 24 heures. Si ce n'était pas vous, ne faites rien : aucun compte n'est créé.",
        "El enlace solo funciona una vez, durante 24 horas. Si no fue usted, no haga nada: no se crea ninguna cuenta.",
    ))
}

/// To an address that signed up again.
pub fn already_registered(language: Language, link: &str) -> Draft {
    let pick = |en, fr, es| language.pick(en, fr, es);
    Draft::new(
        language,
        pick("You already have an account", "Vous avez déjà un compte", "Usted ya tiene una cuenta"),
    )
    .line(pick(
        "Somebody, perhaps you, signed up at Clientele with this email address, which has an account already. Nothing \
         was changed. Sign in with your password; once signed in you can create another organisation.",
        "Quelqu'un, peut-être vous, s'est inscrit à Clientele avec cette adresse e-mail, qui a déjà un compte. Rien n'a \
         changé. Connectez-vous avec votre mot de passe ; une fois connecté, vous pouvez créer une autre organisation.",
        "Alguien, quizá usted, se ha registrado en Clientele con esta dirección de correo, que ya tiene una cuenta. No ha \
         cambiado nada. Inicie sesión con su contraseña; una vez dentro puede crear otra organización.",
    ))
    .link(pick("I forgot my password", "J'ai oublié mon mot de passe", "He olvidado mi contraseña"), link)
}

/// To somebody who forgot their password.
pub fn recover(language: Language, link: &str) -> Draft {
    let pick = |en, fr, es| language.pick(en, fr, es);
    Draft::new(
        language,
        pick("Choose a new password", "Choisissez un nouveau mot de passe", "Elija una nueva contraseña"),
    )
    .line(pick(
        "Somebody, we hope you, asked for a new password for your Clientele account.",
        "Quelqu'un, vous sans doute, a demandé un nouveau mot de passe pour votre compte Clientele.",
        "Alguien, esperamos que usted, ha pedido una nueva contraseña para su cuenta de Clientele.",
    ))
    .link(pick("Choose a new password", "Choisir un mot de passe", "Elegir una contraseña"), link)
    .line(pick(
        "The link works once, for 30 minutes. If it was not you, do nothing: your password does not change.",
        "Le lien n'est valable qu'une fois, pendant 30 minutes. Si ce n'était pas vous, ne faites rien : votre mot de passe reste le \
         même.",
        "El enlace solo funciona una vez, durante 30 minutos. Si no fue usted, no haga nada: su contraseña no cambia.",
    ))
}

/// After the password changed.
pub fn password_changed(language: Language, link: &str) -> Draft {
    let pick = |en, fr, es| language.pick(en, fr, es);
    Draft::new(
        language,
        pick("Your password was changed", "Votre mot de passe a été changé", "Su contraseña ha cambiado"),
    )
    .line(pick(
        "The password of your Clientele account was changed, and you were signed out everywhere else. If it was not you, \
         choose a new one at once:",
        "Le mot de passe de votre compte Clientele a été changé, et vous avez été déconnecté partout ailleurs. Si ce \
         n'était pas vous, choisissez-en un nouveau tout de suite :",
        "La contraseña de su cuenta de Clientele ha cambiado y se ha cerrado su sesión en los demás lugares. Si no fue \
         usted, elija otra de inmediato:",
    ))
    .link(pick("Choose a new password", "Choisir un nouveau mot de passe", "Elegir otra contraseña"), link)
}

/// The second factor was turned on or off.
pub fn second_factor(language: Language, on: bool, link: &str) -> Draft {
    let pick = |en, fr, es| language.pick(en, fr, es);
    let (title, reported) = if on {
        (
            pick(
                "Two-factor authentication was turned on",
                "La double authentification a été activée",
                "Se ha activado la verificación en dos pasos",
            ),
            pick(
                "From now on, you are asked for a code when you sign in to your Clientele account. If it was not you, choose a \
                 new password at once:",
                "Désormais, un code vous sera demandé à la connexion à votre compte Clientele. Si ce n'était pas vous, \
                 choisissez un nouveau mot de passe tout de suite :",
                "A partir de ahora se le pedirá un código al iniciar sesión en su cuenta de Clientele. Si no fue usted, elija \
                 una nueva contraseña de inmediato:",
            ),
        )
    } else {
        (
            pick(
                "Two-factor authentication was turned off",
                "La double authentification a été désactivée",
                "Se ha desactivado la verificación en dos pasos",
            ),
            pick(
                "You are no longer asked for a code when you sign in to your Clientele account. If it was not you, choose a new \
                 password at once:",
                "Aucun code ne vous sera plus demandé à la connexion à votre compte Clientele. Si ce n'était pas vous, \
                 choisissez un nouveau mot de passe tout de suite :",
                "Ya no se le pedirá un código al iniciar sesión en su cuenta de Clientele. Si no fue usted, elija una nueva \
                 contraseña de inmediato:",
            ),
        )
    };
    Draft::new(language, title)
        .line(reported)
        .link(pick("Choose a new password", "Choisir un nouveau mot de passe", "Elegir otra contraseña"), link)
}

/// To the new address of an account.
pub fn confirm_new_email(language: Language, link: &str) -> Draft {
    let pick = |en, fr, es| language.pick(en, fr, es);
    Draft::new(
        language,
        pick("Confirm your new email address", "Confirmez votre nouvelle adresse", "Confirme su nueva dirección"),
    )
    .line(pick(
        "A Clientele account is to use this email address. Confirm that it is yours; we ask the present address too.",
        "Un compte Clientele va utiliser cette adresse e-mail. Confirmez qu'elle est à vous ; une confirmation est aussi \
         demandée à l'adresse actuelle.",
        "Una cuenta de Clientele va a usar esta dirección de correo. Confirme que es suya; también pedimos confirmación a la \
         actual.",
    ))
    .link(pick("Confirm the address", "Confirmer l'adresse", "Confirmar la dirección"), link)
    .line(pick(
        "The link works for 24 hours. If you did not ask for this, do nothing.",
        "Le lien est valable 24 heures. Si vous n'en savez rien, ne faites rien.",
        "El enlace funciona durante 24 horas. Si no sabe nada de ello, no haga nada.",
    ))
}

/// To an address that another account wanted to use, and that already has an account.
pub fn address_taken(language: Language) -> Draft {
    let pick = |en, fr, es| language.pick(en, fr, es);
    Draft::new(
        language,
        pick("You already have an account", "Vous avez déjà un compte", "Usted ya tiene una cuenta"),
    )
    .line(pick(
        "Somebody, perhaps you, wanted to give another Clientele account this email address, which has an account \
         already. Nothing was changed.",
        "Quelqu'un, peut-être vous, a voulu donner cette adresse e-mail à un autre compte Clientele, alors qu'elle a déjà \
         un compte. Rien n'a changé.",
        "Alguien, quizá usted, quiso dar esta dirección de correo a otra cuenta de Clientele, pero ya tiene una cuenta. No \
         ha cambiado nada.",
    ))
}

/// To the present address of an account that will get another one.
pub fn leave_email(language: Language, new: &str, link: &str) -> Draft {
    let pick = |en, fr, es| language.pick(en, fr, es);
    Draft::new(
        language,
        pick(
            "Your email address will change",
            "Votre adresse e-mail va changer",
            "Su dirección de correo va a cambiar",
        ),
    )
    .line(language.pick(
        format!("Your Clientele account is to use {new} in place of this address. It changes when both have agreed."),
        format!(
            "Votre compte Clientele va utiliser {new} à la place de cette adresse. Elle change quand les deux ont \
                 accepté."
        ),
        format!(
            "Su cuenta de Clientele va a usar {new} en lugar de esta dirección. Cambia cuando ambas hayan aceptado."
        ),
    ))
    .link(pick("Agree", "Accepter", "Aceptar"), link)
    .line(pick(
        "The link works for 24 hours. If it was not you, do not click it, and change your password: somebody knows it.",
        "Le lien est valable 24 heures. Si ce n'était pas vous, ne cliquez pas, et changez de mot de passe : quelqu'un \
         le connaît.",
        "El enlace funciona durante 24 horas. Si no fue usted, no haga clic y cambie su contraseña: alguien la conoce.",
    ))
}

/// The last email to a person.
pub fn account_deleted(language: Language) -> Draft {
    let pick = |en, fr, es| language.pick(en, fr, es);
    Draft::new(
        language,
        pick("Your account was deleted", "Votre compte a été supprimé", "Su cuenta ha sido eliminada"),
    )
    .line(pick(
        "Your Clientele account was deleted as you asked. Your organisations keep what you wrote there, under your name.",
        "Votre compte Clientele a été supprimé comme vous l'avez demandé. Vos organisations gardent ce que vous y avez \
         écrit, sous votre nom.",
        "Su cuenta de Clientele ha sido eliminada como pidió. Sus organizaciones conservan lo que usted escribió en \
         ellas, con su nombre.",
    ))
}
