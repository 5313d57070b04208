//! Pictures of people: small, and stored sealed.

use entities::{control::pictures, ids::UserId};
use sea_orm::{EntityTrait, IntoActiveModel, sea_query::OnConflict};
use zeroize::Zeroizing;

use super::Identity;
use crate::{
    error::{Code, Error, Result},
    keys::of_row,
};

/// The purpose that pictures are sealed for.
pub(crate) const SEALED: &str = "pictures";

/// Most bytes of a picture.
pub const PICTURE_BYTES: usize = 1024 * 1024;
/// Longest side of a picture, in pixels. It limits what a browser must unpack, not only the file size.
const SIDE: usize = 4096;

/// A picture as it is served.
pub struct Picture {
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub media_type: String,
    pub bytes: Zeroizing<Vec<u8>>,
}

impl Identity {
    /// Replaces the picture of a person. Its type is read from its bytes, not from the request.
    ///
    /// # Errors
    /// `PAYLOAD_TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`, `BAD_FILE`.
    pub async fn set_picture(&self, user: UserId, bytes: &[u8]) -> Result<()> {
        let media_type = judged(bytes)?.to_owned();
        let sealed = self.registry.master().seal(&of_row(SEALED, user), bytes)?;
        let row = pictures::Model { user_id: user, media_type, sealed, updated_at: self.registry.clock().micros() };
        let again = OnConflict::column(pictures::Column::UserId)
            .update_columns([pictures::Column::MediaType, pictures::Column::Sealed, pictures::Column::UpdatedAt])
            .to_owned();
        let insert = pictures::Entity::insert(row.into_active_model()).on_conflict(again);
        insert.exec_without_returning(self.registry.control().write()).await?;
        Ok(())
    }

    /// The picture of a person.
    ///
    /// # Errors
    /// `NOT_FOUND` if there is none.
    pub async fn picture(&self, user: UserId) -> Result<Picture> {
        let row = pictures::Entity::find_by_id(user).one(self.registry.control().read()).await?;
        let none = || Error::new(Code::NotFound, "There is no picture.");
        let row = row.ok_or_else(none)?;
        let Some(bytes) = self.registry.master().unseal(&of_row(SEALED, user), &row.sealed) else {
            tracing::warn!(user.id = %user, "a picture cannot be unsealed: it was moved from another row, or its key does not exist");
            return Err(none());
        };
        Ok(Picture { media_type: row.media_type, bytes })
    }

    /// Removes the picture of a person, if there is one.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn remove_picture(&self, user: UserId) -> Result<()> {
        pictures::Entity::delete_by_id(user).exec(self.registry.control().write()).await?;
        Ok(())
    }
}

/// The media type of a picture, if it is allowed.
fn judged(bytes: &[u8]) -> Result<&'static str> {
    if bytes.len() > PICTURE_BYTES {
        return Err(Error::new(Code::PayloadTooLarge, "The picture is larger than 1 MB; send a smaller one."));
    }
    let media_type = match imagesize::image_type(bytes) {
        Ok(imagesize::ImageType::Png) => "image/png",
        Ok(imagesize::ImageType::Jpeg) => "image/jpeg",
        Ok(imagesize::ImageType::Webp) => "image/webp",
        _ => return Err(Error::new(Code::UnsupportedMediaType, "A picture is a PNG, JPEG or WebP file.")),
    };
    let size = imagesize::blob_size(bytes).map_err(|_| Error::new(Code::BadFile, "The picture is damaged."))?;
    if !(1..=SIDE).contains(&size.width) || !(1..=SIDE).contains(&size.height) {
        let reported = format!("The picture is {} × {} pixels; it may be {SIDE} × {SIDE}.", size.width, size.height);
        return Err(Error::new(Code::BadFile, reported));
    }
    Ok(media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of a PNG file of a size.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let header = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes()];
        [header.concat(), vec![8, 6, 0, 0, 0, 0, 0, 0, 0]].concat()
    }

    #[test]
    fn a_picture_is_what_its_bytes_say() {
        assert_eq!(judged(&png(64, 64)).unwrap(), "image/png");
        for (bytes, code) in [
            (png(5000, 10), Code::BadFile),
            (png(0, 10), Code::BadFile),
            (png(64, 64)[..12].to_vec(), Code::BadFile),
            (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>".to_vec(), Code::UnsupportedMediaType),
            (b"GIF89a\x01\0\x01\0".to_vec(), Code::UnsupportedMediaType),
            (b"<html>".to_vec(), Code::UnsupportedMediaType),
            (Vec::new(), Code::UnsupportedMediaType),
            (vec![0; PICTURE_BYTES + 1], Code::PayloadTooLarge),
        ] {
            assert_eq!(judged(&bytes).unwrap_err().code(), code);
        }
    }
}
