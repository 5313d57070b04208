//! Emails about membership in an organisation.

use crate::{Draft, Language};

/// To somebody who is invited.
pub fn invitation(language: Language, organisation: &str, inviter: &str, link: &str) -> Draft {
    let pick = |en, fr, es| language.pick(en, fr, es);
    Draft::new(
        language,
        language.pick(
            format!("Invitation to {organisation}"),
            format!("Invitation à rejoindre {organisation}"),
            format!("Invitación a {organisation}"),
        ),
    )
    .line(language.pick(
        format!("{inviter} invites you to work with {organisation} in Clientele."),
        format!("{inviter} vous invite à travailler avec {organisation} dans Clientele."),
        format!("{inviter} le invita a trabajar con {organisation} en Clientele."),
    ))
    .link(pick("Accept the invitation", "Accepter l'invitation", "Aceptar la invitación"), link)
    .line(pick(
        "The link works once, for 7 days. If you do not want to join, do nothing.",
        "Le lien n'est valable qu'une fois, pendant 7 jours. Si vous ne le souhaitez pas, ne faites rien.",
        "El enlace solo funciona una vez, durante 7 días. Si no lo desea, no haga nada.",
    ))
}

/// To the inviter.
pub fn invitation_accepted(language: Language, organisation: &str, who: &str) -> Draft {
    Draft::new(
        language,
        language.pick(
            format!("{who} joined {organisation}"),
            format!("{who} a rejoint {organisation}"),
            format!("{who} se ha unido a {organisation}"),
        ),
    )
    .line(language.pick(
        format!("{who} accepted your invitation and is now a member of {organisation}."),
        format!("{who} a accepté votre invitation et fait maintenant partie de {organisation}."),
        format!("{who} ha aceptado su invitación y ya es miembro de {organisation}."),
    ))
}
